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

    private typealias Column = (band: ResamplingBand, transposed: Tensor)

    private let device: Device
    private let rowWeights: ResamplingWeights
    private let columnWeights: ResamplingWeights
    /// Empty where the height stays: every kernel is then the identity.
    private let rows: [ResamplingBand]
    /// As for the rows, with the matrices transposed.
    private let columns: [Column]

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
        self.device = device
        rowWeights = try ResamplingWeights(
            inputLength: inputHeight, outputLength: outputHeight, scale: nil, kernel: kernel,
            antialias: antialias)
        columnWeights = try ResamplingWeights(
            inputLength: inputWidth, outputLength: outputWidth, scale: nil, kernel: kernel,
            antialias: antialias)
        rows =
            try inputHeight == outputHeight
            ? [] : ResamplingBand.bands(for: rowWeights, dtype: dtype, device: device)
        columns =
            try inputWidth == outputWidth
            ? []
            : ResamplingBand.bands(for: columnWeights, dtype: dtype, device: device).map(Self.column)
    }

    private static func column(_ band: ResamplingBand) throws -> Column {
        (band, try band.matrix.permuted([1, 0]))
    }

    /// The resampled pictures.
    ///
    /// - Parameter x: N×C×inputHeight×inputWidth, any range.
    /// - Returns: N×C×outputHeight×outputWidth, row-major. Cubic and Lanczos kernels
    ///   overshoot at edges: nothing is clamped.
    /// - Throws: ``TensorError`` where the shape is another, or the device is.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let shape = try checkedShape(of: x)
        let input = try x.to(dtype)
        if rows.isEmpty { return try widened(input.contiguous(), by: columns) }
        if rows.count == 1 { return try resampled(input, rows: rows[0], columns: columns) }
        let output = try Tensor.zeros(
            [shape[0], shape[1], outputHeight, outputWidth], dtype: dtype, device: input.device)
        for band in rows {
            try output.narrowed(2, start: band.outputStart, count: band.outputCount)
                .copy(from: resampled(input, rows: band, columns: columns))
        }
        return output
    }

    /// A rectangle of the resampled pictures, made from what it needs of the input only.
    ///
    /// - Parameters:
    ///   - x: as for the whole.
    ///   - rows, columns: of the output.
    /// - Returns: N×C×rows×columns, equal to that part of the whole up to rounding.
    public func callAsFunction(_ x: Tensor, rows outputRows: Range<Int>, columns outputColumns: Range<Int>)
        throws -> Tensor
    {
        let shape = try checkedShape(of: x)
        guard !outputRows.isEmpty, !outputColumns.isEmpty, outputRows.lowerBound >= 0,
            outputColumns.lowerBound >= 0, outputRows.upperBound <= outputHeight,
            outputColumns.upperBound <= outputWidth
        else {
            throw TensorError(
                operation: "resample", shapes: [shape],
                reason: "rows \(outputRows), columns \(outputColumns) are not in the output")
        }
        if outputRows.count == outputHeight, outputColumns.count == outputWidth { return try self(x) }
        let input = try x.to(dtype)
        let columns: [Column] =
            try self.columns.isEmpty || outputColumns.count == outputWidth
            ? self.columns
            : ResamplingBand.bands(for: columnWeights, outputs: outputColumns, dtype: dtype, device: device)
                .map(Self.column)
        func needed(_ rows: Tensor) throws -> Tensor {
            guard columns.isEmpty else { return rows }
            return try rows.narrowed(3, start: outputColumns.lowerBound, count: outputColumns.count)
        }
        if rows.isEmpty {
            return try widened(
                needed(input.narrowed(2, start: outputRows.lowerBound, count: outputRows.count)).contiguous(),
                by: columns)
        }
        let bands = try ResamplingBand.bands(
            for: rowWeights, outputs: outputRows, dtype: dtype, device: device)
        let parts = try bands.map { try resampled(needed(input), rows: $0, columns: columns) }
        return try parts.count == 1 ? parts[0] : Tensor.concatenated(parts, dim: 2)
    }

    private func checkedShape(of x: Tensor) throws -> [Int] {
        let shape = x.shape
        guard shape.count == 4, shape[2] == inputHeight, shape[3] == inputWidth else {
            throw TensorError(
                operation: "resample", shapes: [shape],
                reason: "the resampler takes N×C×\(inputHeight)×\(inputWidth)")
        }
        return shape
    }

    /// One band of output rows, at the columns' width.
    private func resampled(_ input: Tensor, rows band: ResamplingBand, columns: [Column]) throws -> Tensor {
        let needed = try input.narrowed(2, start: band.inputStart, count: band.inputCount)
        return try widened(band.matrix.matmul(needed).contiguous(), by: columns)
    }

    /// Row-major rows at output width.
    private func widened(_ rows: Tensor, by columns: [Column]) throws -> Tensor {
        if columns.isEmpty { return rows }
        let parts = try columns.map { column in
            try rows.narrowed(3, start: column.band.inputStart, count: column.band.inputCount)
                .matmul(column.transposed)
        }
        return try parts.count == 1 ? parts[0].contiguous() : Tensor.concatenated(parts, dim: 3)
    }
}
