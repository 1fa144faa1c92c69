import Tensors

/// Rows of a picture in bands of bounded size: what is computed pixel by pixel then needs little memory
/// beside the picture, and stays in the caches.
public struct RowBands: Sequence {
    /// Pixels of a band, where a row is not longer.
    public static let pixels = 1 << 19

    private let rows: Range<Int>
    private let height: Int

    public init(rows: Range<Int>, width: Int) {
        self.rows = rows
        height = Swift.max(1, Self.pixels / Swift.max(1, width))
    }

    public func makeIterator() -> some IteratorProtocol<Range<Int>> {
        let (rows, height) = (rows, height)
        return stride(from: rows.lowerBound, to: rows.upperBound, by: height).lazy
            .map { $0..<Swift.min($0 + height, rows.upperBound) }.makeIterator()
    }
}

extension Tensor {
    /// A view of some rows of N×C×H×W pictures.
    public func rows(_ rows: Range<Int>) throws -> Tensor {
        try narrowed(2, start: rows.lowerBound, count: rows.count)
    }

    /// A view of a rectangle of N×C×H×W pictures.
    public func part(_ region: PictureRegion) throws -> Tensor {
        try rows(region.rows).narrowed(3, start: region.columns.lowerBound, count: region.width)
    }
}
