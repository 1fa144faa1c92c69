import Testing

@testable import Tensors

struct LayerTests {
    enum Shape: CaseIterable {
        case same, pointwise, halving, odd

        func make() throws -> Conv2d {
            let make = Initializer(seed: 11)
            return switch self {
            case .same: try Conv2d(6, 16, make)
            case .pointwise: try Conv2d(6, 16, kernel: 1, make)
            case .halving: try Conv2d(6, 16, kernel: 2, stride: 2, padding: 0, make)
            case .odd: try Conv2d(6, 5, kernel: 5, make)
            }
        }
    }

    /// The prepared path lets oneDNN add, activate and bias inside the convolution.
    @Test(arguments: Shape.allCases, [1, 3])
    func thePreparedConvolutionEqualsThePlainOne(_ shape: Shape, batch: Int) throws {
        try noGrad {
            let convolution = try shape.make()
            let outputs = convolution.weight.shape[0]
            let x = try randomTensor([batch, 6, 18, 22], bound: 2).channelsLast()
            let shift = try randomTensor([outputs], stream: 1)
            let plain = try convolution(x)
            let other = try randomTensor(plain.shape, bound: 2, stream: 2).channelsLast()
            let expected = try [
                plain, convolution(x, then: .silu), convolution(x, then: .add(other)),
                convolution(x, shift: shift), convolution(x, shift: shift, then: .silu),
            ]
            #expect(try largestDifference(expected[1], plain.silu()) < 1e-6)
            #expect(try largestDifference(expected[2], plain + other) < 1e-6)
            #expect(try largestDifference(expected[3], plain + shift.reshaped([1, outputs, 1, 1])) < 1e-6)

            #expect(!convolution.isPrepared)
            try convolution.prepareForInference()
            try #require(convolution.isPrepared)
            let before = try other.floats()
            let found = try [
                convolution(x), convolution(x, then: .silu), convolution(x, then: .add(other)),
                convolution(x, shift: shift), convolution(x, shift: shift, then: .silu),
            ]
            for (index, pair) in zip(found, expected).enumerated() {
                #expect(try largestDifference(pair.0, pair.1) < 1e-5, "variant \(index)")
            }
            #expect(found[1].isChannelsLast)
            #expect(try other.floats() == before, "the tensor that is added must not be written to")
            // Row-major input goes the same way.
            #expect(try largestDifference(convolution(x.contiguous(), then: .silu), expected[1]) < 1e-5)
        }
    }

    @Test func newWeightsEndThePreparation() throws {
        try noGrad {
            let convolution = try Shape.same.make()
            let other = try Conv2d(6, 16, Initializer(seed: 12))
            let x = try randomTensor([1, 6, 9, 9])
            try convolution.prepareForInference()
            let state = Dictionary(uniqueKeysWithValues: other.parameters.map { ($0.name, $0.value) })
            try convolution.load { state[$0] }
            #expect(!convolution.isPrepared)
            #expect(try largestDifference(convolution(x), other(x)) == 0)
        }
    }

    @Test func loadingNamesWhatIsWrong() throws {
        let linear = try Linear(3, 2, Initializer(seed: 1))
        let missing = try #require(throws: TensorError.self) { try linear.load { _ in nil } }
        #expect(missing.reason == "there is no 'weight'")
        let wrong = try #require(throws: TensorError.self) {
            try linear.load { _ in try Tensor.zeros([2, 4]) }
        }
        #expect(wrong.reason.contains("'weight'"))
        #expect(wrong.shapes == [[2, 4], [2, 3]])
    }

    /// A tree of modules names its parameters as PyTorch does and passes its mode on.
    @Test func namesAndModesGoDownTheTree() throws {
        let make = Initializer(seed: 1)
        let root = Module()
        let inner = root.register("inner", Module())
        let linear = inner.register("linear", try Linear(2, 3, make))
        _ = root.register("norm", try GroupNorm(groups: 2, channels: 4, make))
        #expect(
            root.parameters.map(\.name) == [
                "inner.linear.weight", "inner.linear.bias", "norm.weight", "norm.bias",
            ])
        #expect(root.parameterCount == 6 + 3 + 4 + 4)
        #expect(root.parameters.allSatisfy { $0.value.requiresGrad })
        root.setTraining(true)
        #expect(linear.isTraining)
        root.setTraining(false)
        #expect(!linear.isTraining)
        var seen = 0
        root.forEachModule { _ in seen += 1 }
        #expect(seen == 4)
    }

    @Test func initialWeightsAreSeededAndInRange() throws {
        func weights(_ seed: UInt64) throws -> [Float] {
            try Conv2d(8, 32, Initializer(seed: seed)).weight.floats()
        }
        let first = try weights(5)
        #expect(try weights(5) == first)
        #expect(try weights(6) != first)
        let bound = 1 / Float(8 * 9).squareRoot()
        #expect(first.allSatisfy { abs($0) <= bound })
        // Uniform over ±b: variance b²/3, and the standard error of its estimate is √(4/45n)·b².
        let variance = first.reduce(0) { $0 + $1 * $1 } / Float(first.count)
        let error = 4 * (4 / (45 * Float(first.count))).squareRoot() * bound * bound
        #expect(abs(variance - bound * bound / 3) < error)
        let zero = try Conv2d(8, 32, zero: true, Initializer(seed: 5))
        #expect(try zero.weight.floats().allSatisfy { $0 == 0 } && zero.bias.floats().allSatisfy { $0 == 0 })
    }

    @Test func dropoutKeepsTheMeanAndOnlyActsInTraining() throws {
        let x = try Tensor.full([1 << 16], 1)
        #expect(try x.dropout(0.25, training: false).floats() == x.floats())
        let dropped = try x.dropout(0.25, training: true).floats()
        #expect(dropped.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-6 })
        let kept = Double(dropped.count { $0 != 0 }) / 65536
        #expect(abs(kept - 0.75) < 4 * (0.25 * 0.75 / 65536).squareRoot())
    }
}
