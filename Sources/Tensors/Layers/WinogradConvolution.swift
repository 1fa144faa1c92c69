import CKernels
import CTorch

/// A 3×3 convolution of stride 1 on the CPU by Winograd's F(4×4, 3×3).
///
/// It multiplies a quarter as often as the definition, and float32 rounding errors stay about ten times
/// as large: some 10⁻⁶ of the sums. Source: Lavin and Gray, "Fast algorithms for convolutional neural
/// networks", 2016.
///
/// With ``InferencePrecision/int16`` what is multiplied is rounded to integers, which processors do twice as many of at
/// once. Of c input channels they reach to √(2³¹/c), 12 to 13 bits, so that sums fit into 32 bits. Scales belong to a
/// tile at a point of the transform, and to an output at a point: nothing has to be calibrated, nothing is clipped,
/// and what lies in one corner of a picture does not change another.
final class WinogradConvolution {
    private let convolution: ck_convolution
    private let inputs: Int
    private let outputs: Int

    /// - Parameters:
    ///   - weight: outputs×inputs×3×3.
    ///   - precision: float32 or int16.
    /// - Returns: nil where the kernel is not 3×3, or the processor or these channels are served better by
    ///   libtorch.
    init?(_ weight: Tensor, precision: InferencePrecision = .float32) throws {
        let shape = weight.shape
        guard shape.count == 4, shape[2] == 3, shape[3] == 3 else { return nil }
        (outputs, inputs) = (shape[0], shape[1])
        let made = try weight.permuted([0, 2, 3, 1]).floats().withUnsafeBufferPointer {
            precision == .int16
                ? ck_convolution_create_int16($0.baseAddress, Int32(shape[1]), Int32(shape[0]))
                : ck_convolution_create($0.baseAddress, Int32(shape[1]), Int32(shape[0]), CK_FORWARDS)
        }
        guard let made else { return nil }
        convolution = made
    }

    deinit { ck_convolution_free(convolution) }

    /// N×inputs×H×W → N×outputs×H×W in channels-last memory.
    func callAsFunction(_ x: Tensor, bias: Tensor, then epilogue: Conv2d.Epilogue) throws -> Tensor {
        let size = x.shape
        let shape = try Conv2d.outputShape(of: x, inputs: inputs, outputs: outputs, then: epilogue)
        let result = try Tensor.emptyPixels(shape)
        let input = try inPixelOrder(x)
        let addend = try epilogue.addend.map(inPixelOrder)
        let bias = try bias.to(.float32).contiguous()
        guard result.count > 0 else { return result }
        guard let from = input.pixels, let to = result.pixels else {
            throw TensorError(
                operation: "convolution", shapes: [size], reason: "the input must be on the CPU")
        }
        let status = try withExtendedLifetime((input, addend)) {
            try bias.withMemory { bias in
                var call = ck_convolution_call()
                call.input = UnsafePointer(from.memory.assumingMemoryBound(to: Float.self))
                call.input_stride = from.stride
                call.output = to.memory.assumingMemoryBound(to: Float.self)
                call.output_stride = to.stride
                (call.batch, call.height, call.width) = (size[0], size[2], size[3])
                call.bias = UnsafePointer(bias.assumingMemoryBound(to: Float.self).baseAddress)
                if case .silu = epilogue { call.silu = 1 }
                if let pixels = addend?.pixels {
                    call.addend = UnsafePointer(pixels.memory.assumingMemoryBound(to: Float.self))
                    call.addend_stride = pixels.stride
                }
                return ck_convolution_run(convolution, &call)
            }
        }
        guard status == 0 else {
            throw TensorError(operation: "convolution", shapes: [size], reason: "not enough memory")
        }
        return result
    }

    // MARK: training

    /// Whether ``trained(_:_:bias:)`` can be used and pays.
    static func fits(_ x: Tensor, _ weight: Tensor) -> Bool {
        ct_convolution_fits(x.handle, weight.handle) != 0
    }

    /// The convolution with its gradients; weights are transformed at each call.
    static func trained(_ x: Tensor, _ weight: Tensor, bias: Tensor) throws -> Tensor {
        guard let result = ct_convolution(x.handle, weight.handle, bias.handle) else {
            throw TensorError.last("convolution", [x.shape, weight.shape])
        }
        return Tensor(handle: result)
    }

    private func inPixelOrder(_ x: Tensor) throws -> Tensor {
        let x = try x.to(.float32)
        return try x.pixels == nil ? x.channelsLast() : x
    }
}
