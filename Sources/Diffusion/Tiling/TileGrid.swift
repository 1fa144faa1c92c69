/// Overlapping tiles that together cover a picture.
///
/// All tiles of a row of tiles have the same rows, all of a column the same columns. Inputs start at
/// multiples of the network's own, so that a tile's pixels fall into the same patches as those of the
/// whole picture.
public struct TileGrid: Sendable, Equatable {
    public let rows: [TileSpan]
    public let columns: [TileSpan]
    /// Whether memory is so short that what a tile needed is given back before the next one.
    public var isTight = false

    /// How far apart tiles are cut and how they overlap, in pixels.
    public struct Layout: Sendable, Equatable {
        /// A picture is cut into equal tiles of at most this many pixels along a side (overlap not
        /// counted), rounded to the network's multiple.
        public var side: Int
        /// Width of the seams in which two tiles are blended.
        public var blend: Int
        /// What a tile sees beyond what it is used for, at least.
        public var margin: Int

        /// - Parameter margin: a margin as wide as the network's receptive field makes tiles exact;
        ///   what lies far out has little weight, so less is enough (Results/files.md has the numbers).
        public init(side: Int, blend: Int = 32, margin: Int = 32) {
            self.side = side
            self.blend = blend
            self.margin = margin
        }
    }

    /// - Parameters:
    ///   - multiple: of pixels at which inputs may start; see ``UNetConfiguration/multiple``.
    public init(height: Int, width: Int, multiple: Int, layout: Layout) {
        rows = Self.spans(length: height, multiple: multiple, layout: layout)
        columns = Self.spans(length: width, multiple: multiple, layout: layout)
    }

    public var height: Int { rows.last?.input.upperBound ?? 0 }
    public var width: Int { columns.last?.input.upperBound ?? 0 }
    public var count: Int { rows.count * columns.count }

    /// Pixels of the largest tile, what it sees included.
    public var largestTile: Int {
        (rows.map(\.input.count).max() ?? 0) * (columns.map(\.input.count).max() ?? 0)
    }

    private static func spans(length: Int, multiple: Int, layout: Layout) -> [TileSpan] {
        func rounded(_ value: Int, up: Bool = false) -> Int {
            (value + (up ? multiple - 1 : 0)) / multiple * multiple
        }
        let side = rounded(max(layout.side, multiple), up: true)
        // Tiles shorter than a seam would be blended with their second neighbours.
        let count = max(1, min((length + side - 1) / side, length / (layout.blend + multiple)))
        let cuts = (0...count).map { index in
            index == count ? length : rounded(length * index / count)
        }
        let half = layout.blend / 2
        return (0..<count).map { index in
            let isFirst = index == 0
            let isLast = index == count - 1
            let start = isFirst ? 0 : cuts[index] - half
            let end = isLast ? length : cuts[index + 1] + half
            let seenStart = isFirst ? 0 : max(0, rounded(start - layout.margin))
            let seenEnd = isLast ? length : min(length, rounded(end + layout.margin, up: true))
            return TileSpan(
                input: seenStart..<seenEnd, output: start..<end, head: isFirst ? 0 : 2 * half,
                tail: isLast ? 0 : 2 * half)
        }
    }
}
