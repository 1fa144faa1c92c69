import ImageFiles
import ImageTensors
import Tensors

/// How a low-resolution picture is made from a high-resolution one for super-resolution:
/// antialiased bicubic, rounded to 8 bits.
///
/// With a whole scale and `quantize` this is what MATLAB's `imresize` did to 8-bit pictures
/// when the usual test sets were made: edge pixels are repeated, values are rounded after the
/// first axis (height) and again after the second, halves upwards. The low-resolution pictures
/// of Set5, Set14 and BSD100 ×4 come out bit for bit. ``Resampler`` follows today's MATLAB,
/// which mirrors at edges; so does a scale that is not whole.
public struct Downscaling: Sendable, Equatable {
    /// High-resolution pixels per low-resolution pixel along each axis, 1...256.
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
    /// - Throws: ``TensorError`` where the scale is not in 1...256.
    public func outputLength(_ inputLength: Int) throws -> Int {
        guard scale >= 1, scale <= 256 else {
            throw TensorError(operation: "downscale", reason: "the scale must be in 1...256, not \(scale)")
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
        guard shape.count == 4, shape[2] > 0, shape[3] > 0 else {
            throw TensorError(operation: "downscale", shapes: [shape], reason: "pictures are N×C×H×W")
        }
        // In gray levels the cubic's weights for a scale of 2, 4 or 8 are exact in float32.
        var lr = try quantize ? rounded(hr * 127.5 + 127.5) : hr
        for dim in [2, 3] {
            lr = try downscaled(lr, along: dim)
            if quantize { lr = try rounded(lr) }
        }
        return try quantize ? lr / 127.5 - 1 : lr
    }

    /// One axis: padded with repeated edge pixels by so many that whole output pixels see only
    /// them, made small, and cut.
    private func downscaled(_ x: Tensor, along dim: Int) throws -> Tensor {
        let length = x.shape[dim]
        let wanted = try outputLength(length)
        guard scale == scale.rounded() else { return try resized(x, along: dim, to: wanted) }
        let extra = Int((kernel.width / 2).rounded(.up))
        let before = extra * Int(scale)
        let after = (wanted + extra) * Int(scale) - length
        let padded = try Tensor.concatenated(
            [
                repeated(x.narrowed(dim, start: 0, count: 1), along: dim, count: before), x,
                repeated(x.narrowed(dim, start: length - 1, count: 1), along: dim, count: after),
            ], dim: dim)
        return try resized(padded, along: dim, to: wanted + 2 * extra)
            .narrowed(dim, start: extra, count: wanted)
    }

    private func resized(_ x: Tensor, along dim: Int, to length: Int) throws -> Tensor {
        var shape = x.shape
        shape[dim] = length
        return try x.resized(height: shape[2], width: shape[3], kernel: kernel)
    }

    private func repeated(_ edge: Tensor, along dim: Int, count: Int) throws -> Tensor {
        var shape = edge.shape
        shape[dim] = count
        return try edge.expanded(shape)
    }

    /// Whole gray levels in 0…255, halves upwards: the sums of a scale of 4 are multiples of
    /// 2⁻¹², so that 2⁻¹⁴ more lifts only the halves.
    private func rounded(_ levels: Tensor) throws -> Tensor {
        try (levels.clamped(0, 255) + 1.0 / 16384).rounded()
    }
}
