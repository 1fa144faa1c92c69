import Testing

@testable import Tensors

/// Whether there are kernels for this processor.
private let isSupported = (try? WinogradConvolution(Conv2d(8, 8, Initializer(seed: 1)).weight)) != nil

/// Winograd's convolution and its gradients beside libtorch's in float64.
@Suite(.enabled(if: isSupported, "this processor has no AVX2"))
struct WinogradConvolutionTests {
    struct Case: CustomTestStringConvertible {
        var inputs: Int
        var outputs: Int
        var batch: Int
        var height: Int
        var width: Int
        var testDescription: String { "\(batch)×\(inputs)×\(height)×\(width) to \(outputs)" }
    }

    /// Sizes that are no multiple of a tile's, a single pixel, more tiles than a block holds; channels of one
    /// vector, of no whole panel, and of several.
    static let cases = [
        Case(inputs: 8, outputs: 8, batch: 1, height: 1, width: 1),
        Case(inputs: 16, outputs: 24, batch: 2, height: 5, width: 7),
        Case(inputs: 64, outputs: 48, batch: 1, height: 13, width: 22),
        Case(inputs: 24, outputs: 40, batch: 3, height: 16, width: 4),
        Case(inputs: 96, outputs: 64, batch: 2, height: 49, width: 46),
        Case(inputs: 192, outputs: 192, batch: 5, height: 6, width: 6),
    ]

    struct Pair {
        let convolution: Conv2d
        let x: Tensor
        let other: Tensor
        let shift: Tensor
        /// What libtorch says in float64.
        let expected: Tensor

        init(_ one: Case) throws {
            convolution = try Conv2d(one.inputs, one.outputs, Initializer(seed: 3))
            x = try randomTensor([one.batch, one.inputs, one.height, one.width], bound: 2)
                .channelsLast()
            other = try randomTensor(
                [one.batch, one.outputs, one.height, one.width], bound: 2, stream: 2
            ).channelsLast()
            shift = try randomTensor([one.outputs], stream: 1)
            expected = try x.to(.float64).convolved(
                convolution.weight.detach().to(.float64), bias: convolution.bias.detach().to(.float64),
                padding: 1)
        }
    }

    @Test(arguments: cases) func preparedEqualsTheDefinition(_ one: Case) throws {
        try noGrad {
            let pair = try Pair(one)
            let (convolution, x) = (pair.convolution, pair.x)
            try convolution.prepareForInference()
            let shift = try pair.shift.to(.float64).reshaped([1, one.outputs, 1, 1])
            let expected = try [
                pair.expected, pair.expected.silu(), pair.expected + pair.other.to(.float64),
                (pair.expected + shift).silu(),
            ]
            let before = try pair.other.floats()
            func variants(_ x: Tensor) throws -> [Tensor] {
                try [
                    convolution(x), convolution(x, then: .silu), convolution(x, then: .add(pair.other)),
                    convolution(x, shift: pair.shift, then: .silu),
                ]
            }
            for (index, found) in try variants(x).enumerated() {
                #expect(found.isChannelsLast)
                #expect(try relativeDifference(found, expected[index]) < 1e-5, "variant \(index)")
            }
            #expect(try pair.other.floats() == before, "the tensor that is added must not be written to")
            // The same numbers from any layout: row-major, and channels among others.
            let wide = try Tensor.concatenated([x, x], dim: 1).channelsLast()
            let plain = try convolution(x).floats()
            #expect(try convolution(x.contiguous()).floats() == plain)
            #expect(try convolution(wide.narrowed(1, start: one.inputs, count: one.inputs)).floats() == plain)
        }
    }

    @Test(arguments: cases) func theNumberOfThreadsDoesNotMatter(_ one: Case) throws {
        let pair = try Pair(one)
        func everything() throws -> [[Float]] {
            let convolution = try Conv2d(one.inputs, one.outputs, Initializer(seed: 3))
            convolution.setTraining(true)
            let x = try pair.x.clone()
            try x.setRequiresGrad(true)
            try (convolution(x) * pair.other).sum().backward()
            let gradients = try [x, convolution.weight, convolution.bias].map {
                try #require($0.grad).floats()
            }
            try convolution.prepareForInference()
            return try gradients.dropLast() + [noGrad { try convolution(pair.x, then: .silu).floats() }]
        }
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let alone = try everything()
        try Device.setThreads(3)
        #expect(try everything() == alone)
    }

    @Test(arguments: cases) func gradientsEqualTheDefinitions(_ one: Case) throws {
        let pair = try Pair(one)
        let convolution = pair.convolution
        convolution.setTraining(true)
        let x = try pair.x.clone()
        try x.setRequiresGrad(true)
        // Small cases are libtorch's by themselves: this asks for ours.
        let found = try WinogradConvolution.trained(x, convolution.weight, bias: convolution.bias)
        #expect(try relativeDifference(found, pair.expected) < 1e-5)
        try (found * pair.other).sum().backward()

        let exact = try [pair.x, convolution.weight.detach(), convolution.bias.detach()].map {
            let leaf = try $0.to(.float64).clone()
            try leaf.setRequiresGrad(true)
            return leaf
        }
        try (exact[0].convolved(exact[1], bias: exact[2], padding: 1) * pair.other.to(.float64)).sum()
            .backward()
        for (name, pair) in zip(
            ["input", "weight", "bias"], zip([x, convolution.weight, convolution.bias], exact))
        {
            let difference = try relativeDifference(#require(pair.0.grad), #require(pair.1.grad))
            #expect(difference < 1e-5, "\(name)")
        }
    }

    /// Only what is asked for is computed, and a second use adds to the gradient.
    @Test func gradientsAddUp() throws {
        let convolution = try Conv2d(16, 16, Initializer(seed: 3))
        convolution.setTraining(true)
        let x = try randomTensor([2, 16, 24, 20]).channelsLast()
        #expect(WinogradConvolution.fits(x, convolution.weight))
        try convolution(x).sum().backward()
        let once = try #require(convolution.weight.grad).clone()
        try convolution(x).sum().backward()
        #expect(try relativeDifference(#require(convolution.weight.grad), once * 2) < 1e-6)
        #expect(x.grad == nil)
    }
}
