import ImageFiles
import ImageTensors
import Tensors

/// How a low-resolution picture is made from a high-resolution one for super-resolution:
/// antialiased bicubic as in MATLAB's `imresize`, rounded to 8 bits.
///
/// The usual test sets (Set5, Set14, BSD100) are made so. A scale that does not divide the
/// picture's sides gives sides rounded up; see ``modcrop(_:scale:)``.
public struct Downscaling: Sendable, Equatable {
    /// High-resolution pixels per low-resolution pixel along each axis, at least 1.
    public var scale: Double
    public var kernel: ResamplingKernel
    /// Whether the result is rounded to the 256 levels of an 8-bit file.
    public var quantize: Bool

    public init(scale: Double, kernel: ResamplingKernel = .bicubic, quantize: Bool = true) {
        self.scale = scale
        self.kernel = kernel
        self.quantize = quantize
    }

    /// The length of a side after downscaling: the quotient rounded up, at least 1.
    ///
    /// - Throws: ``TensorError`` where the scale is not a number of at least 1.
    public func outputLength(_ inputLength: Int) throws -> Int {
        guard scale.isFinite, scale >= 1 else {
            throw TensorError(operation: "downscale", reason: "the scale must be at least 1, not \(scale)")
        }
        return Swift.max(1, Int((Double(inputLength) / scale).rounded(.up)))
    }

    /// The low-resolution pictures.
    ///
    /// - Parameter hr: N×C×H×W in [-1, 1].
    /// - Returns: N×C×⌈H/scale⌉×⌈W/scale⌉; in [-1, 1] where quantised, else with the overshoot
    ///   of the kernel.
    /// - Throws: ``TensorError`` where the shape or the scale is out of range.
    public func callAsFunction(_ hr: Tensor) throws -> Tensor {
        let shape = hr.shape
        guard shape.count == 4 else {
            throw TensorError(operation: "downscale", shapes: [shape], reason: "pictures are N×C×H×W")
        }
        let lr = try hr.resized(
            height: outputLength(shape[2]), width: outputLength(shape[3]), kernel: kernel)
        return try quantize ? lr.quantized() : lr
    }
}
