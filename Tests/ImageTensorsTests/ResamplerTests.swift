import ImageFiles
import ImageTensors
import Tensors
import Testing

/// Values in [-1, 1] that look random and are the same everywhere.
private func scrambled(_ count: Int) -> [Float] {
    var state: UInt32 = 12345
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(state >> 8) / Float(1 << 23) - 1
    }
}

@Suite("Resampler")
struct ResamplerTests {
    struct Case: CustomTestStringConvertible {
        let from: (Int, Int)
        let to: (Int, Int)
        var antialias = true
        var testDescription: String { "\(from) to \(to), antialias \(antialias)" }
    }

    /// Resampling as its definition says, with plain loops in double precision.
    private func naive(
        _ values: [Float], planes: Int, _ test: Case, kernel: ResamplingKernel
    ) throws -> [Double] {
        let rows = try ResamplingWeights(
            inputLength: test.from.0, outputLength: test.to.0, scale: nil, kernel: kernel,
            antialias: test.antialias)
        let columns = try ResamplingWeights(
            inputLength: test.from.1, outputLength: test.to.1, scale: nil, kernel: kernel,
            antialias: test.antialias)
        var result: [Double] = []
        for plane in 0..<planes {
            for y in 0..<test.to.0 {
                for x in 0..<test.to.1 {
                    var sum = 0.0
                    for i in y * rows.taps..<(y + 1) * rows.taps {
                        for j in x * columns.taps..<(x + 1) * columns.taps {
                            let row = plane * test.from.0 + Int(rows.indices[i])
                            sum +=
                                rows.weights[i] * columns.weights[j]
                                * Double(values[row * test.from.1 + Int(columns.indices[j])])
                        }
                    }
                    result.append(sum)
                }
            }
        }
        return result
    }

    @Test(
        arguments: [
            Case(from: (12, 9), to: (48, 36)), Case(from: (24, 33), to: (6, 8)),
            Case(from: (24, 33), to: (6, 8), antialias: false), Case(from: (7, 5), to: (7, 20)),
            Case(from: (1, 2), to: (5, 3)), Case(from: (3, 3), to: (1, 1)), Case(from: (11, 13), to: (17, 4)),
        ], ResamplingKernel.allCases)
    func equalsTheDefinition(test: Case, kernel: ResamplingKernel) throws {
        let values = scrambled(2 * 3 * test.from.0 * test.from.1)
        let input = try Tensor(values, shape: [2, 3, test.from.0, test.from.1])
        let expected = try naive(values, planes: 6, test, kernel: kernel)
        for x in [input, try input.channelsLast()] {
            let output = try x.resized(
                height: test.to.0, width: test.to.1, kernel: kernel, antialias: test.antialias)
            #expect(output.shape == [2, 3, test.to.0, test.to.1])
            for (value, wanted) in zip(try output.floats(), expected) {
                #expect(abs(Double(value) - wanted) < 2e-6)
            }
        }
    }

    /// Sizes beyond which the weights are kept as bands, on one axis and on both.
    @Test(arguments: [
        Case(from: (600, 4), to: (2400, 3)), Case(from: (4, 2500), to: (3, 625)),
        Case(from: (1100, 1000), to: (1000, 1100)),
    ])
    func bandsEqualTheDefinition(test: Case) throws {
        let values = scrambled(test.from.0 * test.from.1)
        let output = try Tensor(values, shape: [1, 1, test.from.0, test.from.1])
            .resized(height: test.to.0, width: test.to.1)
        let expected = try naive(values, planes: 1, test, kernel: .bicubic)
        let found = try output.floats()
        let worst = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
        #expect(found.count == expected.count)
        #expect(worst < 2e-6)
    }

    /// What `imresize` gives for an impulse: its cubic's values at quarter pixels when
    /// enlarging by two, half its values at eighths when halving.
    @Test func enlargesAnImpulseAsMATLAB() throws {
        var values = [Float](repeating: 0, count: 9)
        values[4] = 1
        let output = try Tensor(values, shape: [1, 1, 1, 9]).resized(height: 1, width: 18).floats()
        let cubic: [Float] = [-0.0234375, -0.0703125, 0.2265625, 0.8671875]
        let expected = [0, 0, 0, 0, 0] + cubic + cubic.reversed() + [0, 0, 0, 0, 0]
        #expect(output == expected)
    }

    @Test func halvesAnImpulseAsMATLAB() throws {
        var values = [Float](repeating: 0, count: 16)
        values[7] = 1
        let output = try Tensor(values, shape: [1, 1, 16, 1]).resized(height: 8, width: 1).floats()
        #expect(output == [0, 0, -0.03515625, 0.43359375, 0.11328125, -0.01171875, 0, 0])
    }

    @Test func constantsAndTheSameSizeStay() throws {
        let flat = try Tensor.full([1, 3, 31, 17], 0.3).resized(height: 8, width: 40)
        #expect(try (flat - 0.3).magnitude().max().item() < 1e-6)
        let x = try Tensor(scrambled(20), shape: [1, 1, 4, 5])
        #expect(try x.resized(height: 4, width: 5).floats() == x.floats())
    }

    /// The gradient of sum(y · g) is the transposed resampling of g.
    @Test(arguments: [Case(from: (6, 5), to: (9, 20)), Case(from: (1500, 3), to: (1400, 3))])
    func gradientIsTheTransposedProduct(test: Case) throws {
        let x = try Tensor(scrambled(test.from.0 * test.from.1), shape: [1, 1, test.from.0, test.from.1])
        let g = try Tensor(scrambled(test.to.0 * test.to.1), shape: [1, 1, test.to.0, test.to.1])
        try x.setRequiresGrad(true)
        let resampler = try Resampler(
            inputHeight: test.from.0, inputWidth: test.from.1, outputHeight: test.to.0,
            outputWidth: test.to.1)
        try (resampler(x) * g).sum().backward()
        let gradient = try #require(x.grad)
        // ⟨R z, g⟩ = ⟨z, Rᵀ g⟩ for another z.
        let z = try Tensor(scrambled(2 * x.count).suffix(x.count).map { $0 }, shape: x.shape)
        let left = try (resampler(z).to(.float64) * g.to(.float64)).sum().item()
        let right = try (z.to(.float64) * gradient.to(.float64)).sum().item()
        #expect(abs(left - right) < 1e-4 * max(1, abs(left)))
    }

    @Test func unfitTensorsAreRefused() throws {
        let resampler = try Resampler(inputHeight: 4, inputWidth: 4, outputHeight: 8, outputWidth: 8)
        #expect(throws: TensorError.self) { try resampler(Tensor.zeros([1, 3, 4, 5])) }
        #expect(throws: TensorError.self) { try resampler(Tensor.zeros([3, 4, 4])) }
        #expect(throws: TensorError.self) { try Tensor.zeros([4, 4]).resized(height: 2, width: 2) }
        #expect(throws: ImageFileError.self) { try Tensor.zeros([1, 1, 4, 4]).resized(height: 0, width: 2) }
    }

    @Test(arguments: [
        Case(from: (40, 31), to: (160, 124)), Case(from: (160, 124), to: (40, 31)),
        Case(from: (900, 1300), to: (1800, 1310)), Case(from: (9, 50), to: (9, 200)),
        Case(from: (50, 9), to: (200, 9)), Case(from: (12, 13), to: (12, 13)),
    ])
    func aRectangleEqualsThatPartOfTheWhole(test: Case) throws {
        let x = try Tensor(
            scrambled(2 * test.from.0 * test.from.1), shape: [1, 2, test.from.0, test.from.1])
        let resampler = try Resampler(
            inputHeight: test.from.0, inputWidth: test.from.1, outputHeight: test.to.0, outputWidth: test.to.1
        )
        let whole = try resampler(x)
        let (h, w) = test.to
        for (rows, columns) in [
            (0..<h, 0..<w), (0..<1, 0..<1), (h - 1..<h, w - 1..<w), (h / 3..<h / 3 + h / 2, w / 4..<w - 1),
            (0..<h, w / 2..<w),
        ] {
            let part = try resampler(x, rows: rows, columns: columns)
            let expected = try whole.narrowed(2, start: rows.lowerBound, count: rows.count)
                .narrowed(3, start: columns.lowerBound, count: columns.count)
            #expect(part.shape == expected.shape)
            #expect(try (part - expected).magnitude().max().item() < 1e-6)
        }
        for (rows, columns) in [(0..<0, 0..<w), (0..<h + 1, 0..<w), (0..<h, -1..<w)] {
            #expect(throws: TensorError.self) { try resampler(x, rows: rows, columns: columns) }
        }
    }
}
