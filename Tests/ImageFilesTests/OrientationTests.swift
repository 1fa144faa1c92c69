import Testing

@testable import ImageFiles

@Suite("EXIF orientation")
struct OrientationTests {
    /// The picture as seen:  1 2 3
    ///                       4 5 6
    static let upright: [UInt16] = [1, 2, 3, 4, 5, 6]

    /// How it is stored under each orientation, written down from the definition of the tag
    /// (which side of the scene the first row and the first column are).
    static let stored: [(orientation: Int, width: Int, samples: [UInt16])] = [
        (1, 3, [1, 2, 3, 4, 5, 6]),
        (2, 3, [3, 2, 1, 6, 5, 4]),
        (3, 3, [6, 5, 4, 3, 2, 1]),
        (4, 3, [4, 5, 6, 1, 2, 3]),
        (5, 2, [1, 4, 2, 5, 3, 6]),
        (6, 2, [3, 6, 2, 5, 1, 4]),
        (7, 2, [6, 3, 5, 2, 4, 1]),
        (8, 2, [4, 1, 5, 2, 6, 3]),
    ]

    @Test("the picture read is upright and says so", arguments: 0..<8, [true, false])
    func turns(index: Int, littleEndian: Bool) throws {
        let (orientation, width, samples) = Self.stored[index]
        let exif = Fixtures.exif(
            orientation: orientation, width: width, height: 6 / width,
            littleEndian: littleEndian)
        let image = try Image(
            width: width, height: 6 / width, channels: 1, bitDepth: 8, samples: samples,
            metadata: ImageMetadata(
                exif: exif, resolution: PhysicalResolution(x: 100, y: 200, unit: .metre)))
        let seen = try Image.decoded(from: image.encoded(as: .png), name: "turned")
        #expect(seen.width == 3)
        #expect(seen.height == 2)
        #expect(seen.samples == Self.upright)
        let block = try #require(seen.metadata.exif.flatMap { ExifBlock($0) })
        #expect(block.orientation == .topLeft)
        #expect(seen.metadata.resolution?.x == (orientation >= 5 ? 200 : 100))
        // A second trip must not turn it again.
        let again = try Image.decoded(from: seen.encoded(as: .png), name: "again")
        #expect(again.samples == Self.upright)
    }

    @Test("JPEG files are turned in all eight ways", arguments: 1...8)
    func turnsJPEGAllWays(orientation: Int) throws {
        var image = try Fixtures.smoothImage(width: 24, height: 16)
        let options = ImageWriteOptions(jpegQuality: 95)
        let stored = try Image.decoded(from: image.encoded(as: .jpeg, options: options), name: "plain")
        image.metadata.exif = Fixtures.exif(orientation: orientation)
        let seen = try Image.decoded(from: image.encoded(as: .jpeg, options: options), name: "turned")
        #expect(seen.width == (orientation >= 5 ? 16 : 24))
        // Where the first stored row and the first stored column are seen, by the definition
        // of the tag: the corner they share.
        let isRight = [2, 3, 6, 7].contains(orientation)
        let isBottom = [3, 4, 7, 8].contains(orientation)
        let corner = ((isBottom ? seen.height - 1 : 0) * seen.width + (isRight ? seen.width - 1 : 0)) * 3
        #expect(seen.samples[corner..<corner + 3] == stored.samples[0..<3])
        #expect(seen.samples.sorted() == stored.samples.sorted())
        let block = try #require(seen.metadata.exif.flatMap { ExifBlock($0) })
        #expect(block.orientation == .topLeft)
    }

    @Test("JPEG files are turned too, with all channels")
    func turnsJPEG() throws {
        var image = try Fixtures.smoothImage(width: 24, height: 16)
        let plain = try Image.decoded(
            from: image.encoded(as: .jpeg, options: .init(jpegQuality: 95)), name: "plain")
        image.metadata.exif = Fixtures.exif(orientation: 6)
        let turned = try Image.decoded(
            from: image.encoded(as: .jpeg, options: .init(jpegQuality: 95)), name: "turned")
        #expect(turned.width == 16 && turned.height == 24)
        // A quarter turn clockwise: the top right corner comes from the top left.
        #expect(turned.samples[15 * 3..<16 * 3] == plain.samples[0..<3])
        #expect(turned.samples[0..<3] == plain.samples[15 * 24 * 3..<15 * 24 * 3 + 3])
    }

    @Test("the thumbnail, which is not turned, is unlinked; upright ones keep theirs")
    func unlinksThumbnail() throws {
        var turned = try #require(ExifBlock(Fixtures.exif(orientation: 6)))
        turned.resetOrientation()
        // The link stands after a count and two entries at offset 8.
        #expect(turned.bytes[34..<38] == [0, 0, 0, 0])
        #expect(Fixtures.exif(orientation: 6)[34..<38] == [68, 0, 0, 0])
    }

    @Test("an orientation repeated in XMP is reset as well")
    func resetsXMP() throws {
        let packet = "<a tiff:Orientation=\"6\"/><tiff:Orientation>6</tiff:Orientation>"
        let image = try Image(
            width: 2, height: 3, channels: 1, bitDepth: 8, samples: Self.stored[5].samples,
            metadata: ImageMetadata(
                exif: Fixtures.exif(orientation: 6), xmp: Array(packet.utf8)))
        let seen = try Image.decoded(from: image.encoded(as: .png), name: "turned")
        #expect(
            seen.metadata.xmp.map { String(decoding: $0, as: UTF8.self) }
                == "<a tiff:Orientation=\"1\"/><tiff:Orientation>1</tiff:Orientation>")
    }

    @Test("values that are no orientation turn nothing", arguments: [0, 9, 65535])
    func ignoresOthers(value: Int) throws {
        let image = try Image(
            width: 3, height: 2, channels: 1, bitDepth: 8, samples: Self.upright,
            metadata: ImageMetadata(exif: Fixtures.exif(orientation: value)))
        let seen = try Image.decoded(from: image.encoded(as: .png), name: "same")
        #expect(seen.samples == Self.upright)
    }
}
