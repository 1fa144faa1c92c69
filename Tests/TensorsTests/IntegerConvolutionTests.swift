import Testing

@testable import Tensors

/// Winograd's convolution with integers between the transforms.
@Suite(.enabled(if: InferencePrecision.int16.isSupported, "this processor has no AVX2"))
struct IntegerConvolutionTests {
    typealias Case = WinogradConvolutionTests.Case
    typealias Pair = WinogradConvolutionTests.Pair

    @Test(arguments: WinogradConvolutionTests.cases) func equalsTheDefinitionButForRounding(_ one: Case)
        throws
    {
        try noGrad {
            let pair = try Pair(one)
            let convolution = pair.convolution
            try convolution.prepareForInference(.int16)
            let shift = try pair.shift.to(.float64).reshaped([1, one.outputs, 1, 1])
            let expected = try [
                pair.expected, pair.expected.silu(), pair.expected + pair.other.to(.float64),
                (pair.expected + shift).silu(),
            ]
            let before = try pair.other.floats()
            let found = try [
                convolution(pair.x), convolution(pair.x, then: .silu),
                convolution(pair.x, then: .add(pair.other)),
                convolution(pair.x, shift: pair.shift, then: .silu),
            ]
            // A simulation in NumPy, with independent numbers as here, has root mean square errors of 8 to 11 steps of rounding.
            let step = (Double(one.inputs) / 0x1p31).squareRoot()
            for (index, (found, expected)) in zip(found, expected).enumerated() {
                #expect(found.isChannelsLast && found.dtype == .float32)
                #expect(try relativeDifference(found, expected) < 14 * step, "variant \(index)")
            }
            #expect(try pair.other.floats() == before, "the tensor that is added must not be written to")
            #expect(
                try relativeDifference(found[0], expected[0]) > step,
                "a convolution in float32 would prove nothing")
            let wide = try Tensor.concatenated([pair.x, pair.x], dim: 1).channelsLast()
            #expect(
                try convolution(wide.narrowed(1, start: one.inputs, count: one.inputs)).floats()
                    == found[0].floats())
        }
    }

    @Test(arguments: WinogradConvolutionTests.cases) func theNumberOfThreadsDoesNotMatter(_ one: Case) throws
    {
        let pair = try Pair(one)
        try pair.convolution.prepareForInference(.int16)
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let alone = try noGrad { try pair.convolution(pair.x, then: .silu).floats() }
        try Device.setThreads(3)
        #expect(try noGrad { try pair.convolution(pair.x, then: .silu).floats() } == alone)
    }

    /// Every product is the largest there can be, at the points where the sum is as well: nothing may wrap around. Numbers
    /// that are powers of two are rounded to exact multiples, so the sums are as good as exact.
    @Test(arguments: [8, 16, 64, 192, 512, 2048]) func theLargestSumsFit(_ channels: Int) throws {
        try noGrad {
            let convolution = try Conv2d(channels, 16, Initializer(seed: 1))
            try convolution.weight.copy(from: Tensor.full(convolution.weight.shape, 0.5))
            try convolution.bias.copy(from: Tensor.zeros([16]))
            try convolution.prepareForInference(.int16)
            for value in [4.0, -4.0] {
                let sums = try convolution(Tensor.full([1, channels, 9, 10], value).channelsLast())
                let inside = try sums.narrowed(2, start: 1, count: 7).narrowed(3, start: 1, count: 8)
                let exact = value * 0.5 * 9 * Double(channels)
                #expect(try (inside - exact).magnitude().max().item() < 1e-3 * abs(exact))
            }
        }
    }

    /// A scale belongs to one tile: what is far away changes nothing.
    @Test func anOutlierStaysWhereItIs() throws {
        try noGrad {
            let convolution = try Conv2d(32, 32, Initializer(seed: 1))
            try convolution.prepareForInference(.int16)
            let x = try randomTensor([1, 32, 24, 24]).channelsLast()
            let before = try convolution(x)
            let corner = try Tensor.full([1, 32, 4, 4], 1e4)
            let row = try Tensor.concatenated(
                [corner, x.narrowed(2, start: 0, count: 4).narrowed(3, start: 4, count: 20)], dim: 3)
            let changed = try Tensor.concatenated([row, x.narrowed(2, start: 4, count: 20)], dim: 2)
            let after = try convolution(changed)
            func rest(_ x: Tensor) throws -> [Float] { try x.narrowed(2, start: 8, count: 16).floats() }
            #expect(try rest(after) == rest(before))
            #expect(try after.floats() != before.floats())
        }
    }

    @Test func nothingStaysNothingAndNaNIsSeen() throws {
        try noGrad {
            let convolution = try Conv2d(16, 16, Initializer(seed: 1))
            let bias = try convolution.bias.detach().floats()
            try convolution.prepareForInference(.int16)
            let empty = try convolution(Tensor.zeros([1, 16, 8, 8]).channelsLast())
            #expect(try empty.floats()[0..<64].allSatisfy { $0 == bias[0] })
            for value in [Double.nan, .infinity] {
                let bad = try convolution(Tensor.full([1, 16, 8, 8], value).channelsLast())
                #expect(try bad.floats().allSatisfy(\.isNaN))
            }
        }
    }

    /// Channels that are no multiple of a register are convolved in float32, as they are without asking.
    @Test func otherChannelsStayExact() throws {
        try noGrad {
            let convolution = try Conv2d(6, 10, Initializer(seed: 3))
            let x = try randomTensor([1, 6, 9, 9]).channelsLast()
            let plain = try convolution(x).to(.float64)
            try convolution.prepareForInference(.int16)
            #expect(try relativeDifference(convolution(x), plain) < 1e-6)
        }
    }
}

@Test(arguments: [InferencePrecision.int16, .int8]) func integersAreNotForAGPU(
    _ precision: InferencePrecision
) {
    #expect(throws: PrecisionError.self) { try precision.requireSupport(on: .cuda(0)) }
    #expect(throws: Never.self) { try InferencePrecision.float32.requireSupport(on: .cuda(0)) }
}

@Test(arguments: InferencePrecision.allCases.filter(\.isSupported))
func shapesThatDoNotGoTogetherAreToldApart(_ precision: InferencePrecision) throws {
    let convolution = try Conv2d(8, 16, Initializer(seed: 3))
    try convolution.prepareForInference(precision)
    #expect(throws: TensorError.self) { try convolution(Tensor.zeros([1, 9, 4, 4])) }
    #expect(throws: TensorError.self) {
        try convolution(Tensor.zeros([1, 8, 4, 4]), then: .add(Tensor.zeros([1, 16, 4, 5])))
    }
}
