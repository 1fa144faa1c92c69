import Testing

@testable import ImageFiles

@Suite("Metadata")
struct MetadataTests {
    static let xmp = Array("<x:xmpmeta>ünïcode</x:xmpmeta>".utf8)

    /// Everything that both formats can hold.
    private func common(space: String = "RGB ") -> ImageMetadata {
        ImageMetadata(
            iccProfile: Fixtures.iccProfile(space: space),
            exif: Fixtures.exif(orientation: 1, width: 6, height: 5), xmp: Self.xmp,
            resolution: PhysicalResolution(x: 11811, y: 5906, unit: .metre))
    }

    private func reread(_ image: Image, as format: ImageFormat) throws -> Image {
        try Image.decoded(from: image.encoded(as: format), name: "again")
    }

    @Test("PNG keeps samples exactly", arguments: 1...4, [8, 16])
    func keepsSamples(channels: Int, bitDepth: Int) throws {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (7, 5), (33, 31), (3, 301)] {
            let image = try Fixtures.image(
                width: width, height: height, channels: channels, bitDepth: bitDepth)
            #expect(try reread(image, as: .png) == image)
        }
    }

    @Test("PNG keeps all metadata")
    func pngKeepsAll() throws {
        var metadata = common()
        metadata.pngGamma = 45455
        metadata.pngChromaticities = PNGChromaticities(
            white: .init(x: 31270, y: 32900), red: .init(x: 64000, y: 33000),
            green: .init(x: 30000, y: 60000), blue: .init(x: 15000, y: 6000))
        metadata.pngTexts = [
            PNGText(keyword: "Title", text: "Grüße"),
            PNGText(
                keyword: "Comment", text: String(repeating: "long ", count: 99),
                isCompressed: true),
            PNGText(
                keyword: "Author", text: "日本語", language: "ja", translatedKeyword: "著者",
                isInternational: true),
            PNGText(
                keyword: "Warning", text: "καλημέρα", isCompressed: true,
                isInternational: true),
        ]
        let image = try Fixtures.image(
            width: 6, height: 5, channels: 3, bitDepth: 16, metadata: metadata)
        #expect(try reread(image, as: .png) == image)

        metadata.iccProfile = nil
        metadata.pngRenderingIntent = 1
        let standard = try Fixtures.image(
            width: 6, height: 5, channels: 3, bitDepth: 8, metadata: metadata)
        #expect(try reread(standard, as: .png) == standard)
    }

    @Test("text outside Latin-1 becomes international")
    func promotesText() throws {
        let metadata = ImageMetadata(pngTexts: [PNGText(keyword: "Title", text: "日本語")])
        let image = try Fixtures.image(
            width: 1, height: 1, channels: 1, bitDepth: 8, metadata: metadata)
        let text = try #require(try reread(image, as: .png).metadata.pngTexts.first)
        #expect(text.text == "日本語")
        #expect(text.isInternational)
    }

    @Test("what PNG cannot hold is left out, not refused")
    func dropsBadMetadata() throws {
        let metadata = ImageMetadata(
            iccProfile: [UInt8](repeating: 0, count: 300), exif: [1, 2, 3], xmp: [0, 1],
            resolution: PhysicalResolution(x: .max, y: 1, unit: .inch), pngGamma: -1,
            pngChromaticities: PNGChromaticities(
                white: .init(x: -1, y: 0), red: .init(x: 0, y: 0), green: .init(x: 0, y: 0),
                blue: .init(x: 0, y: 0)),
            pngRenderingIntent: 9,
            pngTexts: [
                PNGText(keyword: "", text: "x"), PNGText(keyword: " x", text: "x"),
                PNGText(keyword: String(repeating: "k", count: 80), text: "x"),
                PNGText(keyword: "日", text: "x"), PNGText(keyword: "nul", text: "a\0b"),
            ])
        let image = try Fixtures.image(
            width: 3, height: 2, channels: 3, bitDepth: 8, metadata: metadata)
        for format in ImageFormat.allCases {
            #expect(try reread(image, as: format).metadata == ImageMetadata())
        }
    }

    @Test("a text whose keyword cannot be written is read, and left out when it is written")
    func dropsUnwritableKeyword() throws {
        let image = try Fixtures.image(width: 3, height: 2, channels: 3, bitDepth: 8)
        for keyword: [UInt8] in [[], [0x20], [1], [0x7F, 0xA0]] {
            let file = try PNGFile.inserting(
                PNGFile.chunk("tEXt", keyword + [0, 0x78]), in: image.encoded(as: .png))
            let read = try Image.decoded(from: file, name: "keyword.png")
            #expect(try reread(read, as: .png) == image)
        }
    }

    @Test("PNG to JPEG to PNG keeps profile, EXIF, XMP and resolution", arguments: [1, 3])
    func crossesFormats(channels: Int) throws {
        let space = channels == 1 ? "GRAY" : "RGB "
        let image = try Fixtures.image(
            width: 6, height: 5, channels: channels, bitDepth: 8,
            metadata: common(space: space))
        let jpeg = try reread(try reread(image, as: .png), as: .jpeg)
        #expect(jpeg.metadata.iccProfile == image.metadata.iccProfile)
        #expect(jpeg.metadata.exif == image.metadata.exif)
        #expect(jpeg.metadata.xmp == image.metadata.xmp)
        #expect(
            jpeg.metadata.resolution == PhysicalResolution(x: 300, y: 150, unit: .inch))
        let png = try reread(jpeg, as: .png)
        #expect(png.metadata == image.metadata)
        #expect(png.samples == jpeg.samples)
    }

    @Test("a profile of several segments crosses JPEG whole")
    func keepsLargeProfile() throws {
        let profile = Fixtures.iccProfile(count: 200_000)
        let image = try Fixtures.image(
            width: 2, height: 2, channels: 3, bitDepth: 8,
            metadata: ImageMetadata(iccProfile: profile))
        #expect(try reread(image, as: .jpeg).metadata.iccProfile == profile)
        #expect(try reread(image, as: .png).metadata.iccProfile == profile)
    }

    @Test("a profile of another colour space is left out")
    func dropsUnfitProfile() throws {
        let image = try Fixtures.image(
            width: 2, height: 2, channels: 3, bitDepth: 8,
            metadata: ImageMetadata(iccProfile: Fixtures.iccProfile()))
        for format in ImageFormat.allCases {
            #expect(try reread(try image.gray(), as: format).metadata.iccProfile == nil)
        }
    }

    @Test("EXIF and XMP too big for a JPEG segment are left out")
    func dropsBigBlocks() throws {
        let metadata = ImageMetadata(
            exif: Fixtures.exif(orientation: 1) + [UInt8](repeating: 0, count: 65500),
            xmp: [UInt8](repeating: 65, count: 65505))
        let image = try Fixtures.image(
            width: 1, height: 1, channels: 3, bitDepth: 8, metadata: metadata)
        #expect(try reread(image, as: .jpeg).metadata == ImageMetadata())
        #expect(try reread(image, as: .png).metadata.xmp == metadata.xmp)
    }

    @Test("a resolution per inch or centimetre stays in JPEG as it is")
    func keepsJPEGUnits() throws {
        for unit in [PhysicalResolution.Unit.inch, .centimetre] {
            let metadata = ImageMetadata(
                resolution: PhysicalResolution(x: 72, y: 96, unit: unit))
            let image = try Fixtures.image(
                width: 1, height: 1, channels: 3, bitDepth: 8, metadata: metadata)
            #expect(try reread(image, as: .jpeg).metadata == metadata)
        }
    }

    @Test("the EXIF pixel size follows the picture")
    func updatesPixelSize() throws {
        let metadata = ImageMetadata(exif: Fixtures.exif(orientation: 1, width: 3, height: 2))
        let image = try Fixtures.image(
            width: 3, height: 2, channels: 3, bitDepth: 8, metadata: metadata)
        let larger = try reread(try image.resized(width: 300, height: 200), as: .jpeg)
        #expect(
            larger.metadata.exif == Fixtures.exif(orientation: 1, width: 300, height: 200))
    }

    @Test("a size too large for its EXIF entry widens the entry")
    func widensPixelSize() throws {
        var block = try #require(ExifBlock(Fixtures.exif(orientation: 1, width: 3, height: 2)))
        block.setPixelSize(width: 70000, height: 80000)
        // The height is the last entry of the second directory: type and value.
        #expect(block.bytes[54..<56] == [4, 0])
        #expect(block.bytes[60..<64] == [0x80, 0x38, 1, 0])
        #expect(block.bytes[48..<52] == [0x70, 0x11, 1, 0])
    }

    @Test("code points cross PNG, malformed or misplaced ones do not")
    func keepsCodePoints() throws {
        let plain = try Fixtures.image(width: 3, height: 2, channels: 3, bitDepth: 16)
        for isFullRange in [true, false] {
            var image = plain
            image.metadata.pngCodePoints = PNGCodePoints(
                colorPrimaries: 9, transferFunction: 16, isFullRange: isFullRange)
            let bytes = try image.encoded(as: .png)
            #expect(
                bytes[33..<49].elementsEqual(
                    PNGFile.chunk("cICP", [9, 16, 0, isFullRange ? 1 : 0])))
            #expect(try Image.decoded(from: bytes, name: "again") == image)
        }
        let bytes = try plain.encoded(as: .png)
        for data: [UInt8] in [[9, 16, 1, 1], [9, 16, 0, 2], [9, 16, 0], [9, 16, 0, 1, 0], []] {
            let bad = PNGFile.inserting(PNGFile.chunk("cICP", data), in: bytes)
            #expect(try Image.decoded(from: bad, name: "bad") == plain)
        }
        let late = bytes.dropLast(12) + PNGFile.chunk("cICP", [9, 16, 0, 1]) + bytes.suffix(12)
        #expect(try Image.decoded(from: Array(late), name: "late") == plain)
    }

    @Test("EXIF blocks with wild offsets are harmless")
    func survivesBadEXIF() throws {
        var generator = SplitMix64(state: 3)
        for _ in 0..<2000 {
            var bytes = Fixtures.exif(orientation: 6)
            for _ in 0..<4 {
                let index = Int.random(in: 4..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            var block = ExifBlock(bytes)
            block?.resetOrientation()
            block?.setPixelSize(width: 70000, height: 2)
            #expect(block == nil || block?.bytes.count == bytes.count)
        }
    }
}
