import ImageFiles
import Testing

@Suite("Options for writing")
struct WriteOptionTests {
    @Test("a progressive JPEG has the pixels of a baseline one", arguments: [70, 95], [1, 3, 4])
    func writesProgressive(quality: Int, channels: Int) throws {
        let image = try Fixtures.smoothImage(width: 37, height: 21, channels: channels)
        let baseline = try image.encoded(as: .jpeg, options: .init(jpegQuality: quality))
        let progressive = try image.encoded(
            as: .jpeg, options: .init(jpegQuality: quality, isProgressive: true))
        #expect(JPEGFile.segment(0xC0, of: baseline) != nil)
        #expect(JPEGFile.segment(0xC2, of: progressive) != nil)
        #expect(JPEGFile.segment(0xC0, of: progressive) == nil)
        #expect(
            try Image.decoded(from: progressive, name: "p") == Image.decoded(from: baseline, name: "b"))
    }

    @Test("PNG keeps every sample at every level, in less space at higher ones", arguments: [8, 16])
    func compresses(bitDepth: Int) throws {
        let image = try Fixtures.smoothImage(width: 90, height: 70, bitDepth: bitDepth)
        var sizes: [Int] = []
        for level in 0...9 {
            let bytes = try image.encoded(as: .png, options: .init(pngCompression: level))
            #expect(try Image.decoded(from: bytes, name: "again") == image)
            sizes.append(bytes.count)
        }
        #expect(sizes[0] > 90 * 70 * 3 * bitDepth / 8)
        #expect(sizes[1] < sizes[0] && sizes[9] <= sizes[1])
    }

    @Test("photographs and drawings both come near the smallest size at the default level")
    func packsBothKinds() throws {
        var generator = SplitMix64(state: 2)
        var photo = try Fixtures.smoothImage(width: 200, height: 300)
        for i in photo.samples.indices {
            photo.samples[i] = min(255, photo.samples[i] + UInt16.random(in: 0...6, using: &generator))
        }
        // One row of noise, over and over: nothing but a search finds that.
        let row = (0..<600).map { _ in UInt16.random(in: 0...255, using: &generator) }
        let drawing = try Image(
            width: 200, height: 300, channels: 3, bitDepth: 8,
            samples: (0..<300).flatMap { y in (0..<600).map { row[($0 + 37 * y) % 600] } })
        for image in [photo, drawing] {
            let bytes = try image.encoded(as: .png)
            #expect(try Image.decoded(from: bytes, name: "again") == image)
            let smallest = try image.encoded(as: .png, options: .init(pngCompression: 9))
            #expect(bytes.count * 10 <= smallest.count * 11)
        }
        #expect(try drawing.encoded(as: .png).count * 10 < drawing.samples.count)
    }

    @Test("a level outside 0...9 is refused, but not for JPEG", arguments: [-1, 10, Int.max])
    func refusesLevel(level: Int) throws {
        let image = try Fixtures.smoothImage(width: 4, height: 4)
        let options = ImageWriteOptions(pngCompression: level)
        let error = #expect(throws: ImageFileError.self) { try image.encoded(as: .png, options: options) }
        #expect(error?.kind == .invalidArgument)
        #expect(try !image.encoded(as: .jpeg, options: options).isEmpty)
    }

    @Test("stripping leaves what describes colour and nothing else")
    func strips() throws {
        let color = ImageMetadata(
            iccProfile: Fixtures.iccProfile(), pngGamma: 45455,
            pngChromaticities: PNGChromaticities(
                white: .init(x: 31270, y: 32900), red: .init(x: 64000, y: 33000),
                green: .init(x: 30000, y: 60000), blue: .init(x: 15000, y: 6000)),
            pngCodePoints: PNGCodePoints(colorPrimaries: 12, transferFunction: 13))
        var full = color
        full.exif = Fixtures.exif(orientation: 1)
        full.xmp = MetadataTests.xmp
        full.resolution = PhysicalResolution(x: 300, y: 300, unit: .inch)
        full.pngTexts = [PNGText(keyword: "Title", text: "x")]
        let image = try Fixtures.image(width: 3, height: 2, channels: 3, bitDepth: 8, metadata: full)
        func stripped(_ image: Image, as format: ImageFormat) throws -> ImageMetadata {
            try Image.decoded(
                from: image.encoded(as: format, options: .init(stripsMetadata: true)), name: "again"
            ).metadata
        }
        #expect(try stripped(image, as: .png) == color)
        #expect(try stripped(image, as: .jpeg) == ImageMetadata(iccProfile: color.iccProfile))

        var standard = image
        standard.metadata.iccProfile = nil
        standard.metadata.pngRenderingIntent = 0
        #expect(try stripped(standard, as: .png).pngRenderingIntent == 0)
    }
}
