import ImageFiles
import Testing

/// The same files in programs built on libpng and libjpeg by others: every sample is equal.
@Suite("Beside other decoders")
struct OtherDecoderTests {
    private static let pngtopam = Program("pngtopam")
    private static let cjpeg = Program("cjpeg")
    private static let djpeg = Program("djpeg")
    private static let noNetpbm: Comment = "pngtopam is missing: install netpbm"
    private static let noJPEGTools: Comment = "cjpeg or djpeg is missing: install libjpeg-turbo-progs"

    @Test(
        "PngSuite reads as in pngtopam", .enabled(if: pngtopam != nil, noNetpbm),
        .enabled(if: !PngSuiteTests.valid.isEmpty, "PngSuite is absent: set RESTORE_DATA"),
        arguments: PngSuiteTests.valid)
    func readsAsPNGToPAM(path: String) throws {
        try expectSameAsPNGToPAM(path)
    }

    @Test(
        "pngtopam reads what is written here", .enabled(if: pngtopam != nil, noNetpbm),
        arguments: 1...4, [8, 16])
    func isReadByPNGToPAM(channels: Int, bitDepth: Int) throws {
        let folder = try TemporaryFolder()
        for (width, height) in [(1, 1), (1, 7), (13, 1), (31, 17)] {
            let image = try Fixtures.image(
                width: width, height: height, channels: channels, bitDepth: bitDepth)
            try image.write(to: folder.file("a.png"))
            try expectSameAsPNGToPAM(folder.file("a.png"))
        }
    }

    private func expectSameAsPNGToPAM(_ path: String) throws {
        let program = try #require(Self.pngtopam)
        let map = PortableMap(file: try program.run(["-alphapam", path]))
        let image = try Image.read(from: path)
        #expect(image.width == map.width && image.height == map.height)
        // Alpha is always there, and gray of few bits is as it is stored.
        #expect(map.channels == image.colorChannels + 1)
        let factor = image.maxSample / map.maximum
        #expect(factor * map.maximum == image.maxSample)
        let other = try Image(
            width: map.width, height: map.height, channels: map.channels, bitDepth: image.bitDepth,
            samples: map.samples.map { UInt16($0 * factor) })
        #expect(try other.droppingAlpha().samples == image.droppingAlpha().samples)
        // It does not apply the transparent colour of RGB; ReferencePNG does.
        let colorType = PNGFile.colorType(of: try TestData.bytes(of: path))
        let isKeyed = image.channels == 4 && colorType == 2
        let opaque = [UInt16](repeating: UInt16(image.maxSample), count: map.width * map.height)
        let alpha = try image.alpha()
        #expect(try #require(try other.alpha()).samples == (isKeyed ? opaque : alpha?.samples ?? opaque))
    }

    @Test(
        "JPEG of cjpeg reads as in djpeg", .enabled(if: cjpeg != nil && djpeg != nil, noJPEGTools),
        arguments: [
            "-baseline", "-progressive", "-grayscale", "-rgb", "-arithmetic", "-restart 1",
            "-sample 1x1", "-sample 2x1", "-sample 2x2", "-sample 1x2", "-sample 4x1",
            "-progressive -arithmetic -restart 1B", "-quality 5 -progressive", "-quality 100 -sample 1x1",
        ])
    func readsAsDJPEG(options: String) throws {
        let program = try #require(Self.cjpeg)
        let folder = try TemporaryFolder()
        for (width, height) in [(1, 1), (17, 9), (64, 48), (33, 65)] {
            let image = try Fixtures.image(width: width, height: height, channels: 3, bitDepth: 8)
            let map = PortableMap.file(
                width: width, height: height, channels: 3, samples: image.samples)
            let source = try folder.write(map, as: "a.ppm")
            let jpeg = try program.run(options.split(separator: " ").map(String.init) + [source])
            try expectSameAsDJPEG(try folder.write(jpeg, as: "a.jpg"))
        }
    }

    @Test(
        "djpeg reads what is written here", .enabled(if: djpeg != nil, noJPEGTools),
        arguments: [1, 3], [true, false])
    func isReadByDJPEG(channels: Int, isProgressive: Bool) throws {
        let folder = try TemporaryFolder()
        let image = try Fixtures.image(width: 45, height: 27, channels: channels, bitDepth: 8)
        for quality in [30, 90] {
            try image.write(
                to: folder.file("a.jpg"),
                options: .init(jpegQuality: quality, isProgressive: isProgressive))
            try expectSameAsDJPEG(folder.file("a.jpg"))
        }
    }

    @Test(
        "CMYK and YCCK without profile read as in djpeg", .enabled(if: djpeg != nil, noJPEGTools),
        arguments: [0, 2] as [UInt8])
    func readsCMYKAsDJPEG(transform: UInt8) throws {
        let folder = try TemporaryFolder()
        for components in [[0, 0, 0, 0], [255, 128, 64, 200], [13, 99, 201, 255], [77, 130, 120, 33]] {
            let jpeg = FlatJPEG(components: components, adobeTransform: transform)
            try expectSameAsDJPEG(try folder.write(jpeg.bytes, as: "a.jpg"))
        }
    }

    private func expectSameAsDJPEG(_ path: String) throws {
        let program = try #require(Self.djpeg)
        let map = PortableMap(file: try program.run(["-dct", "int", "-pnm", path]))
        let image = try Image.read(from: path)
        #expect(image.width == map.width && image.height == map.height)
        #expect(image.channels == map.channels)
        #expect(image.samples == map.samples.map(UInt16.init))
    }
}
