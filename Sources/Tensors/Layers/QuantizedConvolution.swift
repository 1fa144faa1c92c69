import CKernels

/// A 3×3 convolution of stride 1 on the CPU whose weights and inputs are rounded to bytes.
///
/// Weights have a scale for each output channel, chosen once. What is convolved has a scale and a zero point for the
/// whole tensor, chosen at each call from its least and largest element, so that no picture is clipped and nothing has
/// to be calibrated. Sums are exact; bias, SiLU and addition are computed in float32 on their way out.
///
/// Source: Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
/// 2018, equation 1 and section 2.
final class QuantizedConvolution {
    private let packed: PackedWeights
    private let scales: Tensor
    private let zeroPoints: Tensor
    private let outputs: Int
    private let inputs: Int

    /// - Parameter weight: outputs×inputs×3×3.
    /// - Returns: nil where the kernel is not 3×3 or this machine is not served better.
    init?(_ weight: Tensor) throws {
        let shape = weight.shape
        guard shape.count == 4, shape[2] == 3, shape[3] == 3, InferencePrecision.int8.isSupported else {
            return nil
        }
        (outputs, inputs) = (shape[0], shape[1])
        (packed, scales) = try noGrad {
            let values = try weight.detach().contiguous().floats()
            let count = values.count / shape[0]
            let scales = try Tensor(
                (0..<shape[0]).map { output in
                    let largest = values[(output * count)..<((output + 1) * count)].reduce(0) {
                        max($0, abs($1))
                    }
                    return largest > 0 ? largest / 127 : Float(1)
                })
            let rounded = try (weight.detach() / scales.perSample()).rounded().to(.int8).contiguous()
            let packed = PackedWeights { input in
                try Op.packQuantized.one(
                    .tensor(rounded), .tensor(scales), .double(1), .int(1), .ints([1, 1]), .ints([1, 1]),
                    .ints([1, 1]), .int(1), .ints(input))
            }
            return (packed, scales)
        }
        zeroPoints = try Tensor.zeros([shape[0]], dtype: .int32)
    }

    /// N×inputs×H×W → N×outputs×H×W in channels-last memory.
    func callAsFunction(_ x: Tensor, bias: Tensor, then epilogue: Conv2d.Epilogue) throws -> Tensor {
        let shape = try Conv2d.outputShape(of: x, inputs: inputs, outputs: outputs, then: epilogue)
        guard x.count > 0 else { return try Tensor.emptyPixels(shape) }
        let input = try QuantizedPixels(x)
        let common: [OperatorArgument] = [
            .tensor(input.values), .double(input.scale), .int(input.zeroPoint),
            .tensor(try packed.weights(for: x.shape)), .tensor(scales), .tensor(zeroPoints),
        ]
        let geometry: [OperatorArgument] = [
            .tensor(try bias.to(.float32)), .ints([1, 1]), .ints([1, 1]), .ints([1, 1]), .int(1),
            // Out come plain numbers.
            .double(1), .int(0), .int(Int(DType.float32.rawValue)),
        ]
        let results: [Tensor]
        switch epilogue {
        case .none:
            results = try Op.quantizedConvolution(
                common + geometry + [.string("none"), .emptyList, .string("")])
        case .silu:
            results = try Op.quantizedConvolution(
                common + geometry + [.string("swish"), .emptyList, .string("")])
        case .add(let other): results = try added(to: Self.dense(other).clone(), common, geometry)
        case .addInto(let other): results = try added(to: Self.dense(other), common, geometry)
        }
        guard let result = results.first else {
            throw TensorError(operation: "convolution", shapes: [x.shape], reason: "there is no result")
        }
        return result
    }

    private func added(to sum: Tensor, _ common: [OperatorArgument], _ geometry: [OperatorArgument]) throws
        -> [Tensor]
    {
        try Op.quantizedConvolutionAdd(
            common + [.tensor(sum)] + geometry
                + [.double(1), .int(0), .string("sum"), .double(1), .string("none"), .emptyList, .string("")])
    }

    /// Float32 in channels-last memory without gaps.
    fileprivate static func dense(_ x: Tensor) throws -> Tensor {
        let x = try x.to(.float32)
        return x.pixels?.stride == x.shape[1] ? x : try x.channelsLast()
    }
}

/// An N×C×H×W tensor rounded to bytes: x ≈ (values − zeroPoint)·scale.
struct QuantizedPixels {
    /// Uint8, channels last.
    let values: Tensor
    let scale: Double
    /// From 1 to 255; 0 is represented exactly, as padding needs it to be.
    let zeroPoint: Int

    /// - Throws: ``TensorError`` where the tensor is not on the CPU.
    init(_ x: Tensor) throws {
        let x = try QuantizedConvolution.dense(x)
        values = try Tensor.emptyPixels(x.shape, dtype: .uint8)
        guard let from = x.pixels, let to = values.pixels else {
            throw TensorError(
                operation: "quantisation", shapes: [x.shape], reason: "the input must be on the CPU")
        }
        var call = ck_quantization()
        call.input = UnsafePointer(from.memory.assumingMemoryBound(to: Float.self))
        call.count = x.count
        call.output = to.memory.assumingMemoryBound(to: UInt8.self)
        withExtendedLifetime((x, values)) { ck_quantize(&call) }
        (scale, zeroPoint) = (Double(call.scale), Int(call.zero_point))
    }
}
