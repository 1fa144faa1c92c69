import Tensors

/// One look of a network at a picture of any size, tile by tile.
///
/// The picture passes from top to bottom in rows of tiles. What no later tile changes any more is
/// handed out at once as a band of full-width rows, so that neither a whole prediction nor a second
/// picture need be in memory.
public struct TiledPass {
    public let grid: TileGrid
    private let isCancelled: () -> Bool
    private let tileDone: () -> Void

    /// - Parameters:
    ///   - isCancelled: asked before each tile; when true, `CancellationError` is thrown.
    ///   - tileDone: called after each tile.
    public init(
        grid: TileGrid, isCancelled: @escaping () -> Bool = { false }, tileDone: @escaping () -> Void = {}
    ) {
        self.grid = grid
        self.isCancelled = isCancelled
        self.tileDone = tileDone
    }

    /// Predicts the whole picture.
    ///
    /// - Parameters:
    ///   - read: full-width rows of the input, 1×C×h×W. Rows are read once, in order.
    ///   - network: a tile's input and where it lies → its prediction, 1×C'×h×w.
    ///   - finish: a band of rows and its prediction, 1×C'×h×W; the bands follow each other without gap.
    ///     The rows of the input up to the band's end may be overwritten then.
    public func run(
        read: (_ rows: Range<Int>) throws -> Tensor,
        network: (_ tile: Tensor, _ region: PictureRegion) throws -> Tensor,
        finish: (_ rows: Range<Int>, _ prediction: Tensor) throws -> Void
    ) throws {
        var seen: Tensor?
        var seenRows = 0..<0
        var open: Tensor?
        var finished = 0
        for (index, row) in grid.rows.enumerated() {
            let input: Tensor
            if let seen, seenRows.upperBound > row.input.lowerBound {
                let kept = try seen.narrowed(
                    2, start: row.input.lowerBound - seenRows.lowerBound,
                    count: seenRows.upperBound - row.input.lowerBound)
                let more = seenRows.upperBound..<row.input.upperBound
                input = try more.isEmpty ? kept : Tensor.concatenated([kept, read(more)], dim: 2)
            } else {
                input = try read(row.input)
            }
            let sum = try prediction(input, row, above: open, network: network)
            let band = finished..<row.end
            let done = try sum.narrowed(2, start: band.lowerBound - row.output.lowerBound, count: band.count)
            if index + 1 < grid.rows.count {
                // Copies: what they are views of is overwritten, or would stay in memory for their sake.
                open = try sum.narrowed(2, start: row.end - row.output.lowerBound, count: row.tail).clone()
                let start = grid.rows[index + 1].input.lowerBound
                seen = try input.narrowed(
                    2, start: start - row.input.lowerBound, count: row.input.upperBound - start
                ).clone()
                seenRows = start..<row.input.upperBound
            }
            try finish(band, done)
            finished = row.end
        }
    }

    /// A row of tiles blended, over the row's output at full width.
    private func prediction(
        _ input: Tensor, _ row: TileSpan, above: Tensor?,
        network: (Tensor, PictureRegion) throws -> Tensor
    ) throws -> Tensor {
        var sum: Tensor?
        for column in grid.columns {
            if isCancelled() { throw CancellationError() }
            let region = PictureRegion(rows: row.input, columns: column.input)
            let tile =
                try grid.columns.count == 1
                ? input : input.narrowed(3, start: column.input.lowerBound, count: column.input.count)
            let seen = try network(tile, region)
            var used = try seen.narrowed(
                2, start: row.output.lowerBound - row.input.lowerBound, count: row.output.count
            ).narrowed(
                3, start: column.output.lowerBound - column.input.lowerBound, count: column.output.count)
            if row.head + row.tail > 0 {
                used = try used * Tensor(row.weights, shape: [1, 1, row.output.count, 1]).to(used.device)
            }
            if column.head + column.tail > 0 {
                used =
                    try used * Tensor(column.weights, shape: [1, 1, 1, column.output.count]).to(used.device)
            }
            let size = seen.shape
            let whole =
                try sum ?? Tensor.zeros([1, size[1], row.output.count, grid.width], device: used.device)
            try whole.narrowed(3, start: column.output.lowerBound, count: column.output.count).add(used)
            sum = whole
            if grid.isTight { Device.releaseUnusedMemory() }
            tileDone()
        }
        guard let sum else {
            throw TensorError(operation: "tiles", shapes: [input.shape], reason: "there are no tiles")
        }
        if let above { try sum.narrowed(2, start: 0, count: above.shape[2]).add(above) }
        return sum
    }
}
