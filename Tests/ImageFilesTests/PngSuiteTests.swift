import Foundation
import ImageFiles
import Testing

/// Willem van Schaik's PngSuite: every kind of PNG there is, and fourteen broken ones.
@Suite("PngSuite")
struct PngSuiteTests {
    static let valid = TestData.pngSuite("valid")
    static let invalid = TestData.pngSuite("invalid")

    @Test(
        "the whole suite is there",
        .enabled(if: !valid.isEmpty, "PngSuite is absent: set RESTORE_DATA"))
    func isComplete() {
        #expect(Self.valid.count >= 161)
        #expect(Self.invalid.count >= 14)
    }

    @Test(
        "a valid file decodes to what the standard says",
        .enabled(if: !valid.isEmpty, "PngSuite is absent: set RESTORE_DATA"),
        arguments: valid)
    func decodes(path: String) throws {
        let expected = try ReferencePNG(TestData.bytes(of: path))
        let image = try Image.read(from: path)
        #expect(image.width == expected.width)
        #expect(image.height == expected.height)
        #expect(image.channels == expected.channels)
        #expect(image.bitDepth == expected.bitDepth)
        #expect(image.samples == expected.samples)
    }

    @Test(
        "a valid file survives writing and reading, metadata included",
        .enabled(if: !valid.isEmpty, "PngSuite is absent: set RESTORE_DATA"),
        arguments: valid)
    func roundTrips(path: String) throws {
        let image = try Image.read(from: path)
        let again = try Image.decoded(from: image.encoded(as: .png), name: "again")
        #expect(again == image)
    }

    @Test(
        "a broken file is refused by name",
        .enabled(if: !invalid.isEmpty, "PngSuite is absent: set RESTORE_DATA"),
        arguments: invalid)
    func refuses(path: String) {
        let error = #expect(throws: ImageFileError.self) { try Image.read(from: path) }
        #expect(error?.kind == .corrupt || error?.kind == .unsupported || error?.kind == .notAnImage)
        #expect(error?.description.contains(path) == true)
        #expect(error?.reason.isEmpty == false)
    }

    @Test(
        "chunks that are carried are read with their values",
        .enabled(if: !valid.isEmpty, "PngSuite is absent: set RESTORE_DATA"))
    func readsChunks() throws {
        func metadata(_ name: String) throws -> ImageMetadata {
            let path = try #require(Self.valid.first { $0.hasSuffix("/\(name).png") })
            return try Image.read(from: path).metadata
        }
        // Values from the suite's own description of its files.
        #expect(
            try metadata("cdun2c08").resolution
                == PhysicalResolution(x: 1000, y: 1000, unit: .metre))
        #expect(
            try metadata("cdhn2c08").resolution
                == PhysicalResolution(x: 4, y: 1, unit: .none))
        #expect(try metadata("g07n2c08").pngGamma == 70000)
        let chromaticities = try #require(try metadata("ccwn2c08").pngChromaticities)
        #expect(chromaticities.white == .init(x: 31270, y: 32900))
        #expect(chromaticities.red == .init(x: 64000, y: 33000))
        #expect(try metadata("ct0n0g04").pngTexts.isEmpty)
        let plain = try metadata("ct1n0g04").pngTexts
        #expect(plain.first?.keyword == "Title")
        #expect(plain.first?.text == "PngSuite")
        #expect(plain.allSatisfy { !$0.isCompressed && !$0.isInternational })
        #expect(try metadata("ctzn0g04").pngTexts.contains { $0.isCompressed })
        let greek = try metadata("ctgn0g04").pngTexts
        #expect(greek.allSatisfy { $0.isInternational && $0.language == "el" })
        #expect(greek.first?.translatedKeyword == "Τίτλος")
    }
}
