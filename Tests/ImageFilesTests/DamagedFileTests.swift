import Foundation
import ImageFiles
import Testing

@Suite("Damaged and missing files")
struct DamagedFileTests {
    @Test("a JPEG cut at any byte is refused", arguments: [50, 95])
    func refusesCutJPEG(quality: Int) throws {
        let bytes = try Fixtures.smoothImage(width: 24, height: 20)
            .encoded(as: .jpeg, options: .init(jpegQuality: quality))
        for count in bytes.indices {
            let kind = Fixtures.errorKind {
                _ = try Image.decoded(from: Array(bytes[..<count]), name: "cut.jpg")
            }
            #expect(kind == (count < 3 && count > 0 ? .notAnImage : .corrupt), "\(count)")
        }
    }

    @Test("a PNG cut at any byte is refused")
    func refusesCutPNG() throws {
        let bytes = try Fixtures.image(width: 5, height: 4, channels: 3, bitDepth: 16)
            .encoded(as: .png)
        for count in bytes.indices {
            let kind = Fixtures.errorKind {
                _ = try Image.decoded(from: Array(bytes[..<count]), name: "cut.png")
            }
            #expect(kind == (count < 4 && count > 0 ? .notAnImage : .corrupt), "\(count)")
        }
    }

    @Test("a PNG with any single byte changed is refused", arguments: [0x01, 0x80, 0xFF])
    func refusesChangedPNG(mask: Int) throws {
        var metadata = ImageMetadata()
        metadata.resolution = PhysicalResolution(x: 3000, y: 3000, unit: .metre)
        metadata.pngTexts = [PNGText(keyword: "Title", text: "Lena")]
        let bytes = try Fixtures.image(
            width: 4, height: 4, channels: 3, bitDepth: 8, metadata: metadata
        ).encoded(as: .png)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= UInt8(mask)
            let kind = Fixtures.errorKind {
                _ = try Image.decoded(from: changed, name: "changed.png")
            }
            #expect(kind == .corrupt || kind == .unsupported || kind == .notAnImage, "\(index)")
        }
    }

    @Test("changed and random bytes never do more than throw")
    func survivesNoise() throws {
        var generator = SplitMix64(state: 7)
        let image = try Fixtures.smoothImage(width: 40, height: 24)
        let files = [
            try image.encoded(as: .jpeg, options: .init(jpegQuality: 80)), try image.encoded(as: .png),
        ]
        for round in 0..<400 {
            var bytes = files[round % 2]
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = Int.random(in: 3..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            if let decoded = try? Image.decoded(from: bytes, name: "noise") {
                #expect(
                    decoded.samples.count
                        == decoded.width * decoded.height * decoded.channels)
            }
        }
    }

    @Test("a PNG that claims a size its few bytes cannot hold is refused at once")
    func refusesHugePNG() throws {
        func claiming(width: UInt32, height: UInt32) throws -> [UInt8] {
            try PNGFile.claiming(
                width: width, height: height,
                in: Fixtures.image(width: 1, height: 1, channels: 3, bitDepth: 8).encoded(as: .png))
        }
        // Sanity of the construction: the true size still decodes.
        let untouched = try Image.decoded(
            from: try claiming(width: 1, height: 1), name: "one.png")
        #expect(untouched.samples.count == 3)
        let overflow = #expect(throws: ImageFileError.self) {
            try Image.decoded(
                from: try claiming(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF), name: "big.png")
        }
        #expect(overflow?.kind == .unsupported)
        #expect(overflow?.description.contains("2147483647 x 2147483647") == true)
        let short = #expect(throws: ImageFileError.self) {
            try Image.decoded(from: try claiming(width: 18000, height: 18000), name: "big.png")
        }
        #expect(short?.kind == .corrupt)
        #expect(short?.reason.contains("too short") == true)
    }

    @Test("what is no picture is told apart")
    func refusesOtherThings() throws {
        let folder = try TemporaryFolder()
        func kind(_ path: String) -> ImageFileError.Kind? {
            Fixtures.errorKind { _ = try Image.read(from: path) }
        }
        #expect(kind(try folder.write([], as: "empty.png")) == .corrupt)
        #expect(kind(try folder.write(Array("hello".utf8), as: "text.png")) == .notAnImage)
        #expect(kind(folder.path) == .notAFile)
        #expect(kind(folder.file("missing.png")) == .notFound)
        #expect(kind(folder.file("text.png/inside.png")) == .notFound)
        #expect(kind("") == .notFound)
        #expect(kind("a\0b.png") == .notFound)
        // An endless device is turned down by its first bytes.
        #expect(kind("/dev/zero") == .notAnImage)
        #expect(kind("/dev/null") == .corrupt)
    }

    @Test(
        "a file without read permission is unreadable",
        .enabled(if: geteuid() != 0, "the superuser may read everything"))
    func refusesUnreadable() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([0x89, 0x50, 0x4E, 0x47], as: "secret.png")
        #expect(chmod(path, 0) == 0)
        #expect(Fixtures.errorKind { _ = try Image.read(from: path) } == .unreadable)
    }

    @Test("messages are sentences that name the file")
    func describes() {
        let error = #expect(throws: ImageFileError.self) {
            try Image.read(from: "/nowhere/x.png")
        }
        #expect(error?.description == "there is no file '/nowhere/x.png'")
        #expect(error?.localizedDescription == error?.description)
    }
}

/// A small seeded generator, so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
