/// How a picture is cut so that restoring it fits into memory.
public struct TilePlan: Sendable, Equatable {
    public private(set) var grid: TileGrid
    /// The most bytes that are needed at once, beside the program and the weights.
    public let bytes: Double

    /// Whether the network sees the picture as a whole.
    public var isWhole: Bool { grid.count == 1 }

    /// What restoring costs in memory.
    public struct Cost: Sendable, Equatable {
        /// Bytes for each pixel that a network looks at in one go.
        public var perTilePixel: Double
        /// Bytes for each pixel of the picture, however it is cut.
        public var perPicturePixel: Double

        public init(networks: [UNetConfiguration], perPicturePixel: Double) {
            perTilePixel = networks.map(Self.bytesPerPixel).max() ?? 0
            self.perPicturePixel = perPicturePixel
        }

        /// Bytes a pixel: features at the first level count most. The factors lie above what was
        /// measured (Results/files.md).
        private static func bytesPerPixel(_ network: UNetConfiguration) -> Double {
            let area = Double(network.patchSize * network.patchSize)
            let features = 4 * Double(network.baseWidth) / area
            let skips = network.skipConnections == .concatenated ? Double(network.blocks) : 0
            // Normalised copies of what comes up from the second level, with the skip.
            let copies = network.norm == .group ? 4 * Double(network.multipliers.prefix(2).reduce(0, +)) : 0
            return features * (10 + skips + copies)
                + 4 * Double(3 * network.imageChannels + network.conditionChannels) * 2
        }
    }

    /// Pictures up to this many pixels are not cut unless memory is short.
    public static let wholePixels = 1 << 21
    /// Sides of the tiles of larger pictures: large, so that little is seen twice. It does not depend
    /// on the memory there is, so that a seed means the same picture on every machine that has enough.
    static let side = 1536
    /// What a tile sees beyond its own part: where tiles are small and a larger part of the picture lies near a seam,
    /// twice as much.
    static func margin(side: Int) -> Int { side < 1024 ? 64 : 32 }
    /// Below this most of what a tile sees would be margin.
    static let smallestSide = 128

    /// - Parameters:
    ///   - multiple: see ``UNetConfiguration/multiple``.
    ///   - budget: bytes that may be used; nil for no limit.
    ///   - side: of the tiles, for trying out; nil lets size and budget decide.
    ///   - margin: see ``TileGrid/Layout/margin``; nil for what the side makes sensible.
    /// - Throws: ``MemoryError`` where even the smallest tiles would not fit.
    public init(
        height: Int, width: Int, multiple: Int, cost: Cost, budget: Double?, side: Int? = nil,
        margin: Int? = nil
    ) throws {
        func plan(_ side: Int) -> TilePlan {
            TilePlan(
                TileGrid(
                    height: height, width: width, multiple: multiple,
                    layout: .init(side: side, margin: margin ?? Self.margin(side: side))), cost)
        }
        if let side {
            self = plan(side)
            return
        }
        let limit = budget ?? .infinity
        let wanted = height * width <= Self.wholePixels ? max(height, width) : Self.side
        var side = wanted
        while true {
            let tried = plan(side)
            if tried.bytes <= limit {
                self = tried
                grid.isTight = side < wanted
                return
            }
            guard side > Self.smallestSide else {
                throw MemoryError(height: height, width: width, needed: tried.bytes, budget: limit)
            }
            side = max(Self.smallestSide, min(Self.side, side * 3 / 4))
        }
    }

    private init(_ grid: TileGrid, _ cost: Cost) {
        self.grid = grid
        let pixels = Double(grid.height) * Double(grid.width)
        // A row of tiles: input, what is kept of it, predictions and the sampler's step.
        let rows = Double(grid.rows.map(\.input.count).max() ?? 0)
        let band = grid.count == 1 ? 0 : rows * Double(grid.width) * 12 * 4
        bytes = pixels * cost.perPicturePixel + Double(grid.largestTile) * cost.perTilePixel + band
    }
}

/// A picture that does not fit into the memory there is.
public struct MemoryError: Error, CustomStringConvertible, Sendable {
    public let needed: Double
    public let budget: Double
    public let description: String

    init(height: Int, width: Int, needed: Double, budget: Double) {
        self.needed = needed
        self.budget = budget
        func gigabytes(_ bytes: Double) -> String { "\((bytes / 1e8).rounded(.up) / 10) GB" }
        description =
            "\(width)×\(height) pixels need at least \(gigabytes(needed)) of memory, and \(gigabytes(budget)) may be used"
    }
}
