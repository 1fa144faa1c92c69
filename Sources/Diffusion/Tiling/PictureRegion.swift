import Tensors

/// A rectangle of a picture's pixels.
public struct PictureRegion: Sendable, Equatable {
    public var rows: Range<Int>
    public var columns: Range<Int>

    public init(rows: Range<Int>, columns: Range<Int>) {
        self.rows = rows
        self.columns = columns
    }

    public var height: Int { rows.count }
    public var width: Int { columns.count }
}

extension NoiseField {
    /// N(0, 1) noise of a region of a picture, 1×channels×height×width.
    public func tensor(step: Int, channels: Int, region: PictureRegion) throws -> Tensor {
        try tensor(
            step: step, channels: channels, height: region.height, width: region.width,
            row: region.rows.lowerBound, column: region.columns.lowerBound)
    }
}
