import ImageFiles
import Tensors

/// Separable resampling of N×C×H×W tensors by the rules of MATLAB's `imresize`, as two matrix
/// products: differentiable, on any device.
///
/// The weights are those of ``ResamplingWeights``, computed in double precision; the products
/// are float32 or float64 (on CUDA they follow `Device.allowTF32`). Where a whole weight matrix would be
/// large the output is made in bands of rows and columns, each from the few input samples that
/// it needs, so that hardly more than input and output are in memory.
public final class Resampler: @unchecked Sendable {
    // Unchecked: everything is constant, and tensors may be read from several threads.

    public let inputHeight: Int
    public let inputWidth: Int
    public let outputHeight: Int
    public let outputWidth: Int
    public let dtype: DType

    /// Empty where the height stays: every kernel is then the identity.
    private let rows: [ResamplingBand]
    /// As for the rows, with the matrices transposed.
    private let columns: [(band: ResamplingBand, transposed: Tensor)]

    /// A resampler between two sizes.
    ///
    /// - Parameters:
    ///   - antialias: whether the kernel is widened when shrinking.
    ///   - dtype: what is computed in and returned, float32 or float64.
    ///   - device: where the tensors to be resampled are.
    /// - Throws: ``ImageFileError`` where a size is out of range, ``TensorError`` where memory
    ///   or the device is missing.
    public init(
        inputHeight: Int, inputWidth: Int, outputHeight: Int, outputWidth: Int,
        kernel: ResamplingKernel = .bicubic, antialias: Bool = true, dtype: DType = .float32,
        device: Device = .cpu
    ) throws {
        self.dtype = dtype
        self.inputHeight = inputHeight
        self.inputWidth = inputWidth
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        let rowWeights = try ResamplingWeights(
            inputLength: inputHeight, outputLength: outputHeight, scale: nil, kernel: kernel,
            antialias: antialias)
        let columnWeights = try ResamplingWeights(
            inputLength: inputWidth, outputLength: outputWidth, scale: nil, kernel: kernel,
            antialias: antialias)
        rows =
            try inputHeight == outputHeight
            ? [] : ResamplingBand.bands(for: rowWeights, dtype: dtype, device: device)
        columns =
            try inputWidth == outputWidth
            ? []
            : ResamplingBand.bands(for: columnWeights, dtype: dtype, device: device).map {
                ($0, try $0.matrix.permuted([1, 0]))
            }
    }

    /// The resampled pictures.
    ///
    /// - Parameter x: N×C×inputHeight×inputWidth, any range.
    /// - Returns: N×C×outputHeight×outputWidth, row-major. Cubic and Lanczos kernels
    ///   overshoot at edges: nothing is clamped.
    /// - Throws: ``TensorError`` where the shape is another, or the device is.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let shape = x.shape
        guard shape.count == 4, shape[2] == inputHeight, shape[3] == inputWidth else {
            throw TensorError(
                operation: "resample", shapes: [shape],
                reason: "the resampler takes N×C×\(inputHeight)×\(inputWidth)")
        }
        let input = try x.to(dtype)
        if rows.isEmpty { return try widened(input.contiguous()) }
        if rows.count == 1 { return try resampled(input, rows: rows[0]) }
        let output = try Tensor.zeros(
            [shape[0], shape[1], outputHeight, outputWidth], dtype: dtype, device: input.device)
        for band in rows {
            try output.narrowed(2, start: band.outputStart, count: band.outputCount)
                .copy(from: resampled(input, rows: band))
        }
        return output
    }

    /// One band of output rows, at full output width.
    private func resampled(_ input: Tensor, rows band: ResamplingBand) throws -> Tensor {
        let needed = try input.narrowed(2, start: band.inputStart, count: band.inputCount)
        return try widened(band.matrix.matmul(needed).contiguous())
    }

    /// Row-major rows at output width.
    private func widened(_ rows: Tensor) throws -> Tensor {
        if columns.isEmpty { return rows }
        let parts = try columns.map { column in
            try rows.narrowed(3, start: column.band.inputStart, count: column.band.inputCount)
                .matmul(column.transposed)
        }
        return try parts.count == 1 ? parts[0].contiguous() : Tensor.concatenated(parts, dim: 3)
    }
}
