import Foundation
import Testing

@testable import ImageFiles

@Suite("Limits")
struct LimitTests {
    private static func small() throws -> [UInt8] {
        try Fixtures.image(width: 2, height: 3, channels: 3, bitDepth: 8).encoded(as: .png)
    }

    /// 16 MiB and a little more.
    private static let bomb = Deflate.run(of: 97, runs: 65_100)

    /// The picture and the notes of reading it.
    private func read(
        _ bytes: [UInt8], name: String = "a.png"
    ) throws -> (image: Image, notes: [String]) {
        var notes: [String] = []
        let image = try Image.decoded(from: bytes, name: name) { notes.append($0) }
        return (image, notes)
    }

    @Test("a picture above the limit is refused by name, size and limit", arguments: ImageFormat.allCases)
    func refusesPixels(format: ImageFormat) throws {
        let bytes = try Fixtures.smoothImage(width: 20, height: 10).encoded(as: format)
        let fitting = try Image.decoded(
            from: bytes, name: "fits", options: .init(maximumPixels: 200))
        #expect(fitting.width == 20)
        for limit in [199, 1, 0, -1] {
            let error = #expect(throws: ImageFileError.self) {
                try Image.decoded(from: bytes, name: "a.x", options: .init(maximumPixels: limit))
            }
            #expect(error?.kind == .unsupported)
            #expect(
                error?.description == "cannot read 'a.x': 20 x 10 pixels are more than the limit of "
                    + "\(max(0, limit)) pixels")
        }
    }

    @Test("the limit counts pixels alone: 400 million with alpha can be held")
    func holdsManySamples() throws {
        #expect(try Image.sampleCount(width: 20000, height: 20000, channels: 4) == 1_600_000_000)
        #expect(
            Fixtures.errorKind { _ = try Image.sampleCount(width: 1 << 16, height: 1 << 15, channels: 2) }
                == .invalidArgument)
        // Refused for its few bytes, not its size.
        let claim = PNGFile.claiming(width: 20000, height: 20000, in: try Self.small())
        #expect(Fixtures.errorKind { _ = try Image.decoded(from: claim, name: "big.png") } == .corrupt)
        let over = PNGFile.claiming(width: 20001, height: 20000, in: try Self.small())
        #expect(Fixtures.errorKind { _ = try Image.decoded(from: over, name: "big.png") } == .unsupported)
    }

    @Test("memory that cannot be had is told from memory that can")
    func asksForMemory() {
        #expect(Memory.isAvailable(1 << 20))
        #expect(!Memory.isAvailable(.max))
    }

    @Test("a JPEG of few bytes and a huge size is refused, lenient or not", arguments: [true, false])
    func refusesHollowJPEG(isLenient: Bool) {
        let jpeg = FlatJPEG(components: [1, 2, 3], claimedSize: (20000, 19000))
        let error = #expect(throws: ImageFileError.self) {
            try Image.decoded(
                from: jpeg.bytes, name: "hollow.jpg", options: .init(isLenient: isLenient))
        }
        #expect(error?.kind == .corrupt)
        #expect(error?.reason.contains("too short") == true)
    }

    @Test("a JPEG of thousands of scans is refused before they are read")
    func refusesScans() throws {
        let bytes = try Fixtures.smoothImage(width: 64, height: 64)
            .encoded(as: .jpeg, options: .init(isProgressive: true))
        let scan = try #require(JPEGFile.segment(0xDA, of: bytes))
        let many = bytes[..<scan] + repeatElement(bytes[scan..<bytes.count - 2], count: 3000).joined()
        let error = #expect(throws: ImageFileError.self) {
            try Image.decoded(from: Array(many) + [0xFF, 0xD9], name: "scans.jpg")
        }
        #expect(error?.reason == "the file has more than 100 scans")
    }

    @Test("a text that unpacks to more than the limit is left out with a note", arguments: ["zTXt", "iTXt"])
    func leavesOutTextBomb(type: String) throws {
        let start = Array("Comment\0".utf8) + (type == "zTXt" ? [0] : [1, 0, 0, 0])
        let chunks =
            PNGFile.chunk("tEXt", Array("Title\0first".utf8)) + PNGFile.chunk(type, start + Self.bomb)
        let (image, notes) = try read(PNGFile.inserting(chunks, in: try Self.small()))
        #expect(try image.samples == read(Self.small()).image.samples)
        #expect(image.metadata.pngTexts == [PNGText(keyword: "Title", text: "first")])
        #expect(notes == ["texts of 'a.png' are too large or too many and were left out"])
    }

    @Test("the bound is on all texts together, on their number too")
    func boundsAllTexts() throws {
        let packed = Deflate.run(of: 97, runs: 20_000)
        let chunk = PNGFile.chunk("zTXt", Array("Comment\0\0".utf8) + packed)
        let four = try read(
            PNGFile.inserting(Array(repeatElement(chunk, count: 4).joined()), in: try Self.small()))
        // 5 MiB each.
        #expect(four.image.metadata.pngTexts.count == 3)
        #expect(four.image.metadata.pngTexts.allSatisfy { $0.text.utf8.count == 20_000 * 258 + 1 })
        #expect(four.notes.count == 1)

        let short = PNGFile.chunk("tEXt", Array("Title\0x".utf8))
        let many = try read(
            PNGFile.inserting(Array(repeatElement(short, count: 1001).joined()), in: try Self.small()))
        #expect(many.image.metadata.pngTexts.count == 1000)
        #expect(many.notes.count == 1)
    }

    @Test("a profile that claims or unpacks to more than the limit is left out with a note")
    func leavesOutProfileBomb() throws {
        var profile = Fixtures.iccProfile()
        profile.replaceSubrange(0..<4, with: PNGFile.bigEndian(1 << 30))
        let claiming = Array("icc\0\0".utf8) + Deflate.stored(profile)
        let unpacking = Array("icc\0\0".utf8) + Self.bomb
        for data in [claiming, unpacking] {
            let (image, notes) = try read(
                PNGFile.inserting(PNGFile.chunk("iCCP", data), in: try Self.small()))
            #expect(image.metadata.iccProfile == nil)
            #expect(notes == ["the colour profile of 'a.png' cannot be used and was left out"])
        }
    }

    @Test(
        "a chunk that claims more than the file holds costs no memory",
        arguments: ["eXIf", "sPLT", "tEXt", "prIv"])
    func refusesHollowChunk(type: String) throws {
        let small = try Self.small()
        let hollow = PNGFile.bigEndian(.max >> 1) + Array(type.utf8) + [0x4D, 0x4D]
        let start = Array(small[..<33]) + hollow + small[33...]
        let end = small.dropLast(12) + hollow
        let before = try AddressSpace.peak()
        for file in [start, Array(end)] {
            let error = #expect(throws: ImageFileError.self) { try read(file) }
            #expect(error?.kind == .corrupt)
            #expect(error?.reason == "the file ends too early")
        }
        // A lenient reading takes the rows before.
        let lenient = try Image.decoded(
            from: Array(end), name: "a.png", options: .init(isLenient: true))
        #expect(try lenient.samples == read(small).image.samples)
        #expect(try AddressSpace.peak() - before < 3 << 29)
    }

    @Test("a file larger than its pixels could need is not read; a pipe, whose size is unknown, is")
    func refusesHugeFile() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(try Self.small(), as: "huge.png")
        #expect(truncate(path, 1 << 42) == 0)
        let error = #expect(throws: ImageFileError.self) { try Image.read(from: path) }
        #expect(error?.kind == .unsupported)
        #expect(error?.description.hasSuffix("the file is larger than the limit of 3468435456 bytes") == true)
        #expect(ImageReadOptions(maximumPixels: .max).maximumBytes > 0)

        let pipe = folder.file("pipe.png")
        #expect(mkfifo(pipe, 0o600) == 0)
        let picture = try Fixtures.image(width: 200, height: 150, channels: 3, bitDepth: 16)
        let bytes = try picture.encoded(as: .png)
        let writer = Thread {
            let handle = FileHandle(forWritingAtPath: pipe)
            try? handle?.write(contentsOf: Data(bytes))
            try? handle?.close()
        }
        writer.start()
        #expect(try Image.read(from: pipe) == picture)
    }

    @Test("malformed texts are passed over, the others are read")
    func passesOverBadTexts() throws {
        let bad: [(String, [UInt8])] = [
            ("tEXt", Array("nozero".utf8)), ("tEXt", [0, 65]), ("tEXt", []),
            ("tEXt", [UInt8](repeating: 65, count: 80) + [0, 65]),
            ("zTXt", Array("Title\0".utf8)), ("zTXt", Array("Title\0\u{1}abc".utf8)),
            ("zTXt", Array("Title\0\0no zlib".utf8)), ("iTXt", Array("Title\0".utf8)),
            ("iTXt", Array("Title\0\u{2}\0\0\0x".utf8)), ("iTXt", Array("Title\0\0\0en".utf8)),
        ]
        let chunks = bad.flatMap { PNGFile.chunk($0.0, $0.1) }
        let (image, notes) = try read(
            PNGFile.inserting(chunks + PNGFile.chunk("tEXt", Array("Title\0x".utf8)), in: try Self.small()))
        #expect(image.metadata.pngTexts == [PNGText(keyword: "Title", text: "x")])
        #expect(notes.isEmpty)
    }

    @Test("an unknown chunk is passed over, unless it says that it matters")
    func handlesUnknownChunks() throws {
        let small = try Self.small()
        let harmless = PNGFile.inserting(PNGFile.chunk("prIv", [1, 2, 3]), in: small)
        #expect(try read(harmless).image == read(small).image)
        let critical = PNGFile.inserting(PNGFile.chunk("PrIv", [1, 2, 3]), in: small)
        #expect(Fixtures.errorKind { _ = try read(critical) } == .corrupt)
    }
}
