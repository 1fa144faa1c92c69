import Diffusion
import Tensors
import Testing

@testable import Deblur

@Suite struct PredictionGuardTests {
    private static let (height, width) = (150, 200)

    /// What a predictor without blotches says: of each pixel by itself, the same for all colours.
    private static func healthy(_ seen: Tensor) throws -> Tensor {
        let gray = try seen.mean([1], keepDims: true) * 0.25
        return try Tensor.concatenated([gray, gray, gray, gray + 0.5, gray + 0.5, gray + 0.5], dim: 1)
    }

    /// Wild colours in the pixels `rows`×`columns` of whatever is seen.
    private static func blotch(rows: Range<Int>, columns: Range<Int>) throws -> Tensor {
        var values = [Float](repeating: 0, count: 6 * height * width)
        for channel in 0..<6 {
            for row in rows {
                for column in columns {
                    let sign = (row + column + channel) % 2 == 0 ? 1 : -1
                    values[(channel * height + row) * width + column] = Float(sign * (channel + 1))
                }
            }
        }
        return try Tensor(values, shape: [1, 6, height, width])
    }

    private static func seen() throws -> Tensor {
        try NoiseField(seed: 3).tensor(step: 0, channels: 6, height: height, width: width)
    }

    private static func largestDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
        try (a - b).magnitude().max().item()
    }

    /// What comes of a predictor that says of each picture what `healthy` does and, in some looks, more.
    ///
    /// - Parameter more: given the number of the look, from 1.
    private static func steadied(_ seen: Tensor, _ more: (_ look: Int) throws -> Tensor?) throws
        -> (output: Tensor, looks: Int)
    {
        var looks = 0
        let output = try PredictionGuard.steadied(seen) { picture in
            looks += 1
            let said = try healthy(picture)
            return try more(looks).map { try said + $0 } ?? said
        }
        return (output, looks)
    }

    @Test func aPictureWithoutBlotchesIsSeenOnce() throws {
        let seen = try Self.seen()
        let (output, looks) = try Self.steadied(seen) { _ in nil }
        #expect(looks == 1)
        #expect(try Self.largestDifference(output, Self.healthy(seen)) == 0)
    }

    /// The blotch lies where it lies in what is seen, so that in the mirrored picture it is somewhere else; or the
    /// mirrored picture has none.
    @Test(arguments: [true, false]) func aBlotchIsReplacedByTheMirroredLook(isInEveryLook: Bool) throws {
        let seen = try Self.seen()
        let blotch = try Self.blotch(rows: 60..<76, columns: 20..<40)
        let (output, looks) = try Self.steadied(seen) { isInEveryLook || $0 == 1 ? blotch : nil }
        #expect(looks == 2)
        #expect(try Self.largestDifference(output, Self.healthy(seen)) < 1e-5)
    }

    /// In the middle of the picture it is in all looks: nothing is added there, and nothing taken.
    @Test func whereAllLooksHaveOneTheBlurredPictureStays() throws {
        let seen = try Self.seen()
        let blotch = try Self.blotch(rows: 67..<83, columns: 92..<108)
        let (output, looks) = try Self.steadied(seen) { _ in blotch }
        #expect(looks == 4)
        let middle = try output.narrowed(2, start: 67, count: 16).narrowed(3, start: 92, count: 16)
        #expect(try middle.magnitude().max().item() == 0)
        let corner = { (x: Tensor) in try x.narrowed(2, start: 0, count: 20).narrowed(3, start: 0, count: 40)
        }
        #expect(try Self.largestDifference(corner(output), corner(Self.healthy(seen))) < 1e-6)
    }

    /// A network whose colours differ everywhere is left alone.
    @Test func differencesThatAreEverywhereAreNoBlotch() throws {
        let seen = try Self.seen()
        let everywhere = try Self.blotch(rows: 0..<Self.height, columns: 0..<Self.width)
        let (output, looks) = try Self.steadied(seen) { _ in everywhere }
        #expect(looks == 1)
        #expect(try Self.largestDifference(output, Self.healthy(seen) + everywhere) == 0)
    }
}
