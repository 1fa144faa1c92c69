import ImageFiles
import Testing

@Suite("Transparency")
struct TransparencyTests {
    /// The squared distance to the nearest visible pixel, and all pixels that have it.
    private func nearest(in image: Image, x: Int, y: Int) -> [(x: Int, y: Int)] {
        var best = Int.max
        var places: [(x: Int, y: Int)] = []
        for v in 0..<image.height {
            for u in 0..<image.width
            where image.samples[(v * image.width + u + 1) * image.channels - 1] > 0 {
                let distance = (u - x) * (u - x) + (v - y) * (v - y)
                if distance < best { places = [] }
                if distance <= best {
                    best = distance
                    places.append((u, v))
                }
            }
        }
        return places
    }

    @Test(
        "hidden colour comes from a nearest visible pixel, all else is exact",
        arguments: [(1, 1), (1, 9), (9, 1), (7, 5), (23, 17)], [2, 4])
    func fills(size: (Int, Int), channels: Int) throws {
        var generator = SplitMix64(state: UInt64(size.0 * channels))
        for share in [2, 5, 40] {
            var image = try Fixtures.image(
                width: size.0, height: size.1, channels: channels, bitDepth: 16)
            for pixel in 0..<size.0 * size.1 {
                let isVisible = Int.random(in: 0..<share, using: &generator) == 0
                image.samples[(pixel + 1) * channels - 1] = isVisible ? UInt16(1 + pixel) : 0
            }
            let filled = try image.fillingTransparentPixels()
            for pixel in 0..<size.0 * size.1 {
                func color(_ image: Image, _ pixel: Int) -> ArraySlice<UInt16> {
                    image.samples[pixel * channels..<(pixel + 1) * channels - 1]
                }
                let alpha = (pixel + 1) * channels - 1
                #expect(filled.samples[alpha] == image.samples[alpha])
                let sources = nearest(in: image, x: pixel % size.0, y: pixel / size.0)
                if image.samples[alpha] > 0 {
                    #expect(color(filled, pixel).elementsEqual(color(image, pixel)))
                } else if sources.isEmpty {
                    #expect(color(filled, pixel).allSatisfy { $0 == 0 })
                } else {
                    #expect(
                        sources.contains {
                            color(image, $0.y * size.0 + $0.x).elementsEqual(color(filled, pixel))
                        })
                }
            }
            #expect(try filled.fillingTransparentPixels() == filled)
        }
    }

    @Test("pictures without hidden pixels stay as they are", arguments: 1...4)
    func leavesOpaque(channels: Int) throws {
        let image = try Fixtures.image(width: 5, height: 4, channels: channels, bitDepth: 8)
        var opaque = image
        if image.hasAlpha {
            for pixel in 0..<20 { opaque.samples[(pixel + 1) * channels - 1] = 255 }
        }
        #expect(try opaque.fillingTransparentPixels() == opaque)
    }

    private func picture(alpha: [UInt16], width: Int, bitDepth: Int = 8) throws -> Image {
        try Image(
            width: width, height: alpha.count / width, channels: 4, bitDepth: bitDepth,
            samples: alpha.flatMap { [1, 2, 3, $0] })
    }

    @Test(
        "opaque stays opaque and transparent transparent, to the last step",
        arguments: [(28, 20), (7, 5), (3, 2), (14, 40), (9, 6)], [8, 16])
    func keepsExtremes(size: (Int, Int), bitDepth: Int) throws {
        let maximum: UInt16 = bitDepth == 16 ? 65535 : 255
        let restored = try Fixtures.smoothImage(
            width: size.0, height: size.1, bitDepth: bitDepth)
        for (value, expected) in [(255, maximum), (0, 0)] {
            let source = try picture(alpha: [UInt16](repeating: UInt16(value), count: 35), width: 7)
            let result = try restored.takingAlpha(from: source)
            #expect(result.channels == 4 && result.bitDepth == bitDepth)
            #expect(try result.droppingAlpha() == restored)
            #expect(try #require(try result.alpha()).samples.allSatisfy { $0 == expected })
        }
    }

    @Test("an edge is enlarged without a halo")
    func avoidsOvershoot() throws {
        let source = try picture(alpha: [60, 60, 60, 200, 200, 200], width: 6)
        let restored = try Fixtures.smoothImage(width: 24, height: 4)
        let alpha = try #require(try restored.takingAlpha(from: source).alpha()).samples
        let row = Array(alpha[..<24])
        #expect(row == row.sorted())
        #expect(row.prefix(10).allSatisfy { $0 == 60 })
        #expect(row.suffix(10).allSatisfy { $0 == 200 })
        #expect(row[11] > 60 && row[12] < 200 && row[11] < row[12])
    }

    @Test("smooth alpha is what bicubic makes of it")
    func isBicubic() throws {
        let ramp = try picture(alpha: (0..<64).map { UInt16($0 % 8 * 30 + $0 / 8) }, width: 8)
        let restored = try Fixtures.smoothImage(width: 24, height: 24)
        let alpha = try #require(try restored.takingAlpha(from: ramp).alpha())
        let bicubic = try #require(try ramp.alpha()).resized(width: 24, height: 24)
        // At the frame the reflected edge bends the ramp.
        for y in 6..<18 {
            for x in 6..<18 { #expect(alpha.samples[y * 24 + x] == bicubic.samples[y * 24 + x]) }
        }
    }

    @Test("the same size and depth gives the same alpha; without alpha there is nothing to take")
    func keepsSameSize() throws {
        let source = try Fixtures.image(width: 6, height: 5, channels: 2, bitDepth: 16)
        let restored = try Fixtures.smoothImage(width: 6, height: 5, bitDepth: 16)
        #expect(try restored.takingAlpha(from: source).alpha() == source.alpha())
        #expect(try restored.takingAlpha(from: restored) == restored)
        let other = try restored.takingAlpha(from: source).takingAlpha(
            from: picture(alpha: [UInt16](repeating: 7, count: 30), width: 6))
        #expect(try #require(try other.alpha()).samples.allSatisfy { $0 == 7 * 257 })
    }
}
