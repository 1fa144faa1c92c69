import ImageFiles
import Tensors

extension Tensor {
    /// N×C×H×W resampled to another size by the rules of MATLAB's `imresize`, on its device.
    ///
    /// Computed in and returned as `dtype`. For many pictures of one size make one ``Resampler`` and keep it.
    ///
    /// - Throws: ``ImageFileError`` where a size is out of range, ``TensorError`` where the
    ///   tensor has another shape than N×C×H×W.
    public func resized(
        height: Int, width: Int, kernel: ResamplingKernel = .bicubic, antialias: Bool = true,
        dtype: DType = .float32
    ) throws -> Tensor {
        let shape = self.shape
        guard shape.count == 4 else {
            throw TensorError(operation: "resize", shapes: [shape], reason: "pictures are N×C×H×W")
        }
        let resampler = try Resampler(
            inputHeight: shape[2], inputWidth: shape[3], outputHeight: height, outputWidth: width,
            kernel: kernel, antialias: antialias, dtype: dtype, device: device)
        return try resampler(self)
    }

    /// Clamped to [-1, 1] and rounded to the nearest of equally spaced levels, as a file of
    /// that depth would hold it; still in [-1, 1]. Its gradient is zero.
    ///
    /// - Parameter levels: at least 2; 256 for 8 bits.
    /// - Throws: ``TensorError`` where `levels` is below 2.
    public func quantized(levels: Int = 256) throws -> Tensor {
        guard levels >= 2 else {
            throw TensorError(
                operation: "quantize", shapes: [shape],
                reason: "there must be at least 2 levels, not \(levels)")
        }
        let half = Double(levels - 1) / 2
        return try (clamped(-1, 1) * half + half).rounded() / half - 1
    }
}
