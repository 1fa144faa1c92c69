import ImageFiles
import Tensors
import Testing

@testable import Training

struct PhotoCollectionTests {
    /// A picture whose pixels say where they are: red the column, green the row, blue the picture.
    private static func map(_ number: UInt16, width: Int, height: Int) throws -> Image {
        var samples: [UInt16] = []
        for y in 0..<height { for x in 0..<width { samples += [UInt16(x), UInt16(y), number] } }
        return try Image(width: width, height: height, channels: 3, bitDepth: 8, samples: samples)
    }

    private static func collection(_ folder: TestFolder, _ sizes: [(Int, Int)], minimum: Int) throws
        -> PhotoCollection
    {
        let paths = try sizes.enumerated().map { index, size in
            let path = try folder.file("\(index).png")
            try map(UInt16(index), width: size.0, height: size.1).write(to: path)
            return path
        }
        return try PhotoCollection(paths: paths, minimum: minimum)
    }

    @Test func theSameStreamGivesTheSameBatch() throws {
        let folder = try TestFolder()
        let photos = try Self.collection(folder, [(40, 30), (64, 64)], minimum: 16)
        func batch(seed: UInt64, stream: UInt64) throws -> [UInt8] {
            var random = CounterStream(seed: seed, stream: stream)
            return try photos.batch(6, size: 16, using: &random).bytes()
        }
        let first = try batch(seed: 1, stream: 4)
        #expect(try batch(seed: 1, stream: 4) == first)
        #expect(try batch(seed: 1, stream: 5) != first)
        #expect(try batch(seed: 2, stream: 4) != first)
        // A stream goes on: its second batch is another one.
        var random = CounterStream(seed: 1, stream: 4)
        let batches = try (0..<2).map { _ in try photos.batch(6, size: 16, using: &random).bytes() }
        #expect(batches[0] == first && batches[1] != first)
    }

    /// Every crop is a square of one photo, turned or mirrored into one of eight poses; all poses, all
    /// places and, by their areas, all photos occur.
    @Test func cropsAreSquaresOfThePhotosInAllPoses() throws {
        let folder = try TestFolder()
        let photos = try Self.collection(folder, [(40, 20), (20, 120)], minimum: 8)
        var random = CounterStream(seed: 3)
        let (count, size) = (2000, 8)
        let batch = try photos.batch(count, size: size, using: &random)
        #expect(batch.shape == [count, 3, size, size])
        #expect(batch.dtype == .uint8)
        #expect(batch.isChannelsLast)
        let bytes = try batch.bytes().map(Int.init)
        func pixel(_ crop: Int, _ y: Int, _ x: Int) -> [Int] {
            (0..<3).map { bytes[((crop * 3 + $0) * size + y) * size + x] }
        }
        var poses: [[Int]: Int] = [:]
        var shares = [0, 0]
        var corners: Set<[Int]> = []
        for crop in 0..<count {
            let origin = pixel(crop, 0, 0)
            let right = zip(pixel(crop, 0, 1), origin).map { $0 - $1 }
            let down = zip(pixel(crop, 1, 0), origin).map { $0 - $1 }
            // The two directions are unit steps along different axes of one photo.
            #expect(abs(right[0]) + abs(right[1]) == 1 && abs(down[0]) + abs(down[1]) == 1)
            #expect(right[0] * down[0] + right[1] * down[1] == 0)
            let wrong = (0..<size * size).first { index in
                let (y, x) = (index / size, index % size)
                return pixel(crop, y, x) != (0..<3).map { origin[$0] + x * right[$0] + y * down[$0] }
            }
            #expect(wrong == nil, "crop \(crop)")
            poses[right + down, default: 0] += 1
            shares[origin[2]] += 1
            if origin[2] == 0 {
                let opposite = pixel(crop, size - 1, size - 1)
                corners.insert([min(origin[0], opposite[0]), min(origin[1], opposite[1])])
            }
        }
        #expect(poses.count == 8)
        let eighth = Double(count) / 8
        #expect(poses.values.allSatisfy { abs(Double($0) - eighth) < 5 * (eighth * 7 / 8).squareRoot() })
        // Areas 800 and 2400: a quarter and three quarters.
        #expect(abs(Double(shares[0]) - 500) < 5 * (2000 * 0.25 * 0.75).squareRoot())
        #expect(corners.contains { $0[0] == 0 } && corners.contains { $0[0] == 32 })
        #expect(corners.contains { $0[1] == 0 } && corners.contains { $0[1] == 12 })
    }

    @Test func smallPhotosAreLeftOut() throws {
        let folder = try TestFolder()
        let photos = try Self.collection(folder, [(15, 64), (16, 16), (64, 15)], minimum: 16)
        #expect(photos.photos.map { [$0.width, $0.height] } == [[16, 16]])
        var random = CounterStream(seed: 1)
        let whole = try photos.batch(1, size: 16, using: &random)
        #expect(Set(try whole.narrowed(1, start: 2, count: 1).bytes()) == [1])
        let error = try #require(throws: DataError.self) {
            try PhotoCollection(paths: photos.photos.map(\.path), minimum: 17)
        }
        #expect(
            error.description == "none of the 1 pictures found is at least 17 pixels on its shorter side")
    }

    @Test func grayAndTransparentPicturesBecomeRGB() throws {
        let folder = try TestFolder()
        let gray = try folder.file("gray.png")
        try Image(width: 2, height: 2, channels: 1, bitDepth: 16, samples: [0, 65535, 32896, 0]).write(
            to: gray)
        let alpha = try folder.file("alpha.png")
        try Image(
            width: 1, height: 1, channels: 4, bitDepth: 8, samples: [10, 20, 30, 40]
        ).write(to: alpha)
        let pixels = try PhotoCollection(paths: [gray, alpha], minimum: 1).pixels.bytes()
        #expect(pixels == [0, 0, 0, 255, 255, 255, 128, 128, 128, 0, 0, 0] + [10, 20, 30])
    }
}
