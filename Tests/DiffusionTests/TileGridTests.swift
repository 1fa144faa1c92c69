import Testing

@testable import Diffusion

struct TileGridTests {
    private static let layouts: [TileGrid.Layout] = [
        .init(side: 64, blend: 16, margin: 8), .init(side: 1, blend: 32, margin: 32),
        .init(side: 100, blend: 0, margin: 0), .init(side: 1536),
    ]

    @Test(arguments: layouts, [1, 8, 16])
    func tilesCoverEveryPixelWithWeightsThatSumToOne(_ layout: TileGrid.Layout, multiple: Int) {
        for length in Array(1...200) + [511, 512, 513, 1000, 4096, 4097] {
            let grid = TileGrid(height: length, width: 7, multiple: multiple, layout: layout)
            var weights = [Float](repeating: 0, count: length)
            var finished = 0
            for (index, span) in grid.rows.enumerated() {
                #expect(span.input.lowerBound >= 0 && span.input.upperBound <= length)
                #expect(span.input.lowerBound <= span.output.lowerBound)
                #expect(span.output.upperBound <= span.input.upperBound)
                // The same patches as in the whole picture, also at the end of the tile.
                #expect(span.input.lowerBound % multiple == 0)
                #expect(span.input.upperBound % multiple == 0 || span.input.upperBound == length)
                let isFirst = index == 0
                let isLast = index == grid.rows.count - 1
                let before = span.output.lowerBound - span.input.lowerBound
                let after = span.input.upperBound - span.output.upperBound
                #expect(before >= layout.margin || span.input.lowerBound == 0)
                #expect(after >= layout.margin || span.input.upperBound == length)
                #expect(isFirst == (span.head == 0) || layout.blend == 0)
                #expect(isLast == (span.tail == 0) || layout.blend == 0)
                #expect(span.end > finished || length == 0, "bands follow each other")
                finished = span.end
                for (row, weight) in zip(span.output, span.weights) { weights[row] += weight }
            }
            #expect(finished == length)
            #expect(weights.allSatisfy { abs($0 - 1) < 1e-6 }, "length \(length)")
        }
    }

    @Test func aPictureThatFitsIsOneTile() {
        let grid = TileGrid(height: 480, width: 640, multiple: 16, layout: .init(side: 640))
        #expect(grid.count == 1 && grid.largestTile == 480 * 640)
        #expect(grid.rows[0].input == 0..<480 && grid.columns[0].output == 0..<640)
    }

    @Test func largePicturesAreSeenLittleMoreThanOnce() {
        let grid = TileGrid(height: 4000, width: 6000, multiple: 16, layout: .init(side: 1536))
        #expect(grid.rows.count == 3 && grid.columns.count == 4)
        let seen = [grid.rows, grid.columns].map { $0.map(\.input.count).reduce(0, +) }
        let effort = Double(seen[0] * seen[1]) / (4000 * 6000)
        #expect(effort > 1 && effort < 1.12)
    }

    private static let cost = TilePlan.Cost(networks: [.init()], perPicturePixel: 36)

    private static func plan(_ height: Int, _ width: Int, budget: Double?, side: Int? = nil) throws
        -> TilePlan
    {
        try TilePlan(height: height, width: width, multiple: 16, cost: cost, budget: budget, side: side)
    }

    @Test func memoryDecidesOnlyWhereItIsShort() throws {
        let plenty = try Self.plan(4000, 6000, budget: nil)
        for budget in [64e9, 8e9, 3e9] {
            #expect(try Self.plan(4000, 6000, budget: budget).grid == plenty.grid)
        }
        #expect(plenty.bytes < 2e9 && !plenty.isWhole)
        for budget in [1.6e9, 1.3e9, 1.1e9] {
            let tight = try Self.plan(4000, 6000, budget: budget)
            #expect(tight.bytes <= budget && tight.grid.count > plenty.grid.count)
            #expect(tight.grid.isTight && !plenty.grid.isTight)
        }
        #expect(try Self.plan(1024, 1024, budget: nil).isWhole)
        #expect(try !Self.plan(1024, 1024, budget: 0.2e9).isWhole)
        #expect(try Self.plan(1024, 1024, budget: 1, side: 256).grid.count == 16)
    }

    @Test func whatCannotFitIsRefusedWithNumbers() throws {
        let error = try #require(throws: MemoryError.self) { try Self.plan(10000, 10000, budget: 2e9) }
        #expect(error.needed > 3.6e9 && error.budget == 2e9)
        #expect(error.description.hasPrefix("10000×10000 pixels need at least "))
        #expect(error.description.hasSuffix(" GB of memory, and 2.0 GB may be used"))
    }
}
