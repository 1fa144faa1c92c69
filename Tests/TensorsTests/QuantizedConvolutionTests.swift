import Testing

@testable import Tensors

@Suite(.enabled(if: InferencePrecision.int8.isSupported, "this processor has no VNNI"))
struct QuantizedConvolutionTests {
    typealias Case = WinogradConvolutionTests.Case

    /// One pixel, odd sizes, more numbers than a thread takes at once; channels of less than a register and of several.
    static let cases = [
        Case(inputs: 8, outputs: 8, batch: 1, height: 1, width: 1),
        Case(inputs: 16, outputs: 24, batch: 2, height: 5, width: 7),
        Case(inputs: 3, outputs: 10, batch: 1, height: 9, width: 4),
        Case(inputs: 96, outputs: 64, batch: 2, height: 49, width: 46),
        Case(inputs: 192, outputs: 192, batch: 1, height: 23, width: 31),
    ]

    /// Weights and inputs as the convolution rounds them, in float64.
    private struct Rounded {
        let x: Tensor
        let weight: Tensor

        init(_ x: Tensor, _ convolution: Conv2d) throws {
            let quantized = try QuantizedPixels(x)
            self.x = try (quantized.values.to(.float64) - Double(quantized.zeroPoint)) * quantized.scale
            let plain = try convolution.weight.detach().contiguous()
            let rows = try plain.reshaped([plain.shape[0], -1])
            let scales = try (0..<plain.shape[0]).map {
                try rows.narrowed(0, start: $0, count: 1).magnitude().max().item() / 127
            }
            let scale = try Tensor(scales.map(Float.init)).perSample()
            weight = try (plain / scale).rounded().to(.float64) * scale.to(.float64)
        }
    }

    @Test(arguments: cases) func sumsAreThoseOfTheRoundedNumbers(_ one: Case) throws {
        try noGrad {
            let convolution = try Conv2d(one.inputs, one.outputs, Initializer(seed: 3))
            let x = try randomTensor([one.batch, one.inputs, one.height, one.width], bound: 2).channelsLast()
            let other = try randomTensor(
                [one.batch, one.outputs, one.height, one.width], bound: 2, stream: 2
            ).channelsLast()
            let shift = try randomTensor([one.outputs], stream: 1)
            let rounded = try Rounded(x, convolution)
            let bias = try convolution.bias.detach().to(.float64)
            let sum = try rounded.x.convolved(rounded.weight, bias: bias, padding: 1)
            let plain = try convolution(x)

            try convolution.prepareForInference(.int8)
            let before = try other.floats()
            let wanted = try [
                sum, sum.silu(), sum + other.to(.float64),
                (sum + shift.to(.float64).reshaped([1, one.outputs, 1, 1])).silu(),
            ]
            let found = try [
                convolution(x), convolution(x, then: .silu), convolution(x, then: .add(other)),
                convolution(x, shift: shift, then: .silu),
            ]
            for (index, pair) in zip(found, wanted).enumerated() {
                #expect(pair.0.isChannelsLast && pair.0.dtype == .float32)
                #expect(try relativeDifference(pair.0, pair.1) < 1e-5, "variant \(index)")
            }
            #expect(try other.floats() == before, "the tensor that is added must not be written to")
            #expect(try relativeDifference(convolution(x, then: .addInto(other)), wanted[2]) < 1e-5)
            // Rounding is all that is lost: half a step in 254 of the inputs, and in 254 of the weights.
            let difference = try relativeDifference(found[0], plain.to(.float64))
            #expect(difference < 0.03)
            #expect(difference > 0, "a convolution in float32 would prove nothing")
        }
    }

    @Test func bytesReachFromTheLeastToTheLargest() throws {
        let values: [Float] = [-0.5, 0, 0.25, 3, 1e-4, -0.1, 2.9, 1]
        let quantized = try QuantizedPixels(Tensor(values, shape: [1, 8, 1, 1]))
        #expect(abs(quantized.scale - 3.5 / 254) < 1e-8)
        let codes = try quantized.values.floats()
        #expect(codes[1] == Float(quantized.zeroPoint), "0 stays 0")
        #expect(codes.min() == 1 && codes.max() == 255)
        for (value, code) in zip(values, codes) {
            #expect(
                abs((Double(code) - Double(quantized.zeroPoint)) * quantized.scale - Double(value)) <= 0.51
                    * quantized.scale)
        }
        // Only zeros, only positive, only negative numbers.
        for constant: Float in [0, 2, -2] {
            let flat = try QuantizedPixels(Tensor(Array(repeating: constant, count: 8), shape: [1, 8, 1, 1]))
            let code = try flat.values.floats()[0]
            #expect(abs(Double(code - Float(flat.zeroPoint)) * flat.scale - Double(constant)) < 1e-6)
            #expect((1...255).contains(flat.zeroPoint))
        }
    }

    @Test(arguments: cases) func theNumberOfThreadsDoesNotMatter(_ one: Case) throws {
        let convolution = try Conv2d(one.inputs, one.outputs, Initializer(seed: 3))
        try convolution.prepareForInference(.int8)
        let x = try randomTensor([one.batch, one.inputs, one.height, one.width], bound: 2).channelsLast()
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let alone = try noGrad { try convolution(x, then: .silu).floats() }
        try Device.setThreads(3)
        #expect(try noGrad { try convolution(x, then: .silu).floats() } == alone)
    }
}
