import ImageFiles
import Testing

@Suite("Image")
struct ImageTests {
    @Test("parts that do not fit together are refused")
    func validates() throws {
        func kind(
            _ width: Int, _ height: Int, _ channels: Int, _ bitDepth: Int,
            _ samples: [UInt16]
        ) -> ImageFileError.Kind? {
            Fixtures.errorKind {
                _ = try Image(
                    width: width, height: height, channels: channels, bitDepth: bitDepth,
                    samples: samples)
            }
        }
        #expect(kind(1, 1, 1, 8, [255]) == nil)
        #expect(kind(1, 1, 1, 16, [65535]) == nil)
        #expect(kind(1, 1, 1, 8, [256]) == .invalidArgument)
        #expect(kind(1, 1, 1, 8, []) == .invalidArgument)
        #expect(kind(0, 1, 1, 8, []) == .invalidArgument)
        #expect(kind(1, 1, 5, 8, [1, 1, 1, 1, 1]) == .invalidArgument)
        #expect(kind(1, 1, 0, 8, []) == .invalidArgument)
        #expect(kind(1, 1, 1, 12, [0]) == .invalidArgument)
        #expect(kind(.max, .max, 4, 8, []) == .invalidArgument)
        #expect(kind(-1, -1, 1, 8, [0]) == .invalidArgument)
    }

    @Test("samples changed to nonsense are refused by every use")
    func refusesChangedSamples() throws {
        var image = try Fixtures.image(width: 2, height: 2, channels: 4, bitDepth: 8)
        image.samples.removeLast()
        let uses: [(Image) throws -> Void] = [
            { _ = try $0.encoded(as: .png) }, { _ = try $0.encoded(as: .jpeg) },
            { _ = try $0.rgb() }, { _ = try $0.gray() }, { _ = try $0.alpha() },
            { _ = try $0.droppingAlpha() }, { _ = try $0.compositedOverWhite() },
            { _ = try $0.converted(bitDepth: 16) }, { _ = try $0.resized(width: 1, height: 1) },
            { _ = try $0.cropping(x: 0, y: 0, width: 2, height: 2) },
            { _ = try Image.sideBySide([$0], gap: 0) },
        ]
        for use in uses {
            #expect(Fixtures.errorKind { try use(image) } == .invalidArgument)
        }
    }

    @Test("channels say what they hold")
    func describesChannels() throws {
        let facts = try (1...4).map {
            let image = try Fixtures.image(width: 1, height: 1, channels: $0, bitDepth: 16)
            return (image.colorChannels, image.hasAlpha)
        }
        #expect(facts.map(\.0) == [1, 1, 3, 3])
        #expect(facts.map(\.1) == [false, true, false, true])
    }

    @Test("8 bits to 16 and back is exact, 16 to 8 rounds")
    func convertsDepth() throws {
        let all = try Image(
            width: 256, height: 1, channels: 1, bitDepth: 8, samples: Array(0...255))
        let deep = try all.converted(bitDepth: 16)
        #expect(deep.samples[255] == 65535 && deep.samples[1] == 257)
        #expect(try deep.converted(bitDepth: 8) == all)
        let steps = try Image(
            width: 4, height: 1, channels: 1, bitDepth: 16, samples: [128, 129, 65406, 65407])
        #expect(try steps.converted(bitDepth: 8).samples == [0, 1, 254, 255])
        #expect(Fixtures.errorKind { _ = try all.converted(bitDepth: 10) } == .invalidArgument)
    }

    @Test("gray and colour convert both ways, alpha kept")
    func convertsColor() throws {
        let gray = try Image(
            width: 2, height: 1, channels: 2, bitDepth: 8, samples: [10, 20, 30, 40])
        let color = try gray.rgb()
        #expect(color.samples == [10, 10, 10, 20, 30, 30, 30, 40])
        #expect(try color.gray() == gray)
        let primaries = try Image(
            width: 3, height: 1, channels: 3, bitDepth: 8,
            samples: [255, 0, 0, 0, 255, 0, 0, 0, 255])
        #expect(try primaries.gray().samples == [76, 150, 29])
        #expect(try color.droppingAlpha().samples == [10, 10, 10, 30, 30, 30])
        #expect(try color.alpha()?.samples == [20, 40])
        #expect(try primaries.alpha() == nil)
    }

    @Test("alpha taken off and put back gives the same picture", arguments: [2, 4])
    func splitsAlpha(channels: Int) throws {
        let image = try Fixtures.image(width: 3, height: 2, channels: channels, bitDepth: 16)
        let alpha = try #require(try image.alpha())
        #expect(try image.droppingAlpha().replacingAlpha(by: alpha) == image)
        #expect(
            Fixtures.errorKind { _ = try image.replacingAlpha(by: image) }
                == .invalidArgument)
    }

    @Test("cropping takes the rectangle and refuses what is outside")
    func crops() throws {
        let image = try Image(
            width: 3, height: 3, channels: 1, bitDepth: 8, samples: Array(1...9))
        #expect(try image.cropping(x: 1, y: 1, width: 2, height: 2).samples == [5, 6, 8, 9])
        for (x, y, width, height) in [
            (2, 0, 2, 1), (0, 0, 0, 1), (-1, 0, 1, 1), (.max, 0, 1, 1), (0, 0, 1, .max),
        ] {
            #expect(
                Fixtures.errorKind {
                    _ = try image.cropping(x: x, y: y, width: width, height: height)
                } == .invalidArgument)
        }
    }

    @Test("side by side: white gap, top-aligned, the richest format")
    func putsSideBySide() throws {
        let small = try Image(width: 1, height: 1, channels: 1, bitDepth: 8, samples: [7])
        let tall = try Image(
            width: 1, height: 2, channels: 4, bitDepth: 16,
            samples: [1, 2, 3, 4, 5, 6, 7, 8])
        let both = try Image.sideBySide([small, tall], gap: 1)
        #expect(both.width == 3 && both.height == 2)
        #expect(both.channels == 4 && both.bitDepth == 16)
        let white: [UInt16] = [65535, 65535, 65535, 65535]
        #expect(
            both.samples == [1799, 1799, 1799, 65535] + white + [1, 2, 3, 4] + white + white
                + [5, 6, 7, 8])
        #expect(try Image.sideBySide([small], gap: 9) == small)
        #expect(Fixtures.errorKind { _ = try Image.sideBySide([], gap: 0) } == .invalidArgument)
        for gap in [-1, Int.max] {
            #expect(
                Fixtures.errorKind { _ = try Image.sideBySide([small, small], gap: gap) }
                    == .invalidArgument)
        }
    }
}
