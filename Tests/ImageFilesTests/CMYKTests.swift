import ImageFiles
import Testing

@Suite("CMYK through a profile")
struct CMYKTests {
    private func read(_ jpeg: FlatJPEG) throws -> (image: Image, notes: [String]) {
        var notes: [String] = []
        let image = try Image.decoded(from: jpeg.bytes, name: "x.jpg") { notes.append($0) }
        return (image, notes)
    }

    private func expect(_ image: Image, lab: [Int]) {
        #expect(image.channels == 3 && image.bitDepth == 8)
        for (value, expected) in zip(image.samples.prefix(3), CMYKProfile.sRGB(lab: lab)) {
            #expect(abs(Double(value) - expected) <= 2, "\(image.samples.prefix(3))")
        }
    }

    @Test(
        "inks, inverted by Adobe or not, have the colours of the profile", arguments: 0..<16, [true, false])
    func converts(inks: Int, isInverted: Bool) throws {
        let isFull = [8, 4, 2, 1].map { inks & $0 != 0 }
        let jpeg = FlatJPEG(
            components: isFull.map { $0 != isInverted ? 255 : 0 },
            adobeTransform: isInverted ? 0 : nil, segments: [CMYKProfile.segment])
        let (image, notes) = try read(jpeg)
        expect(
            image,
            lab: CMYKProfile.lab(
                cyan: isFull[0], magenta: isFull[1], yellow: isFull[2], black: isFull[3]))
        #expect(notes.isEmpty)
    }

    @Test("YCCK goes the same way")
    func convertsYCCK() throws {
        // Neutral chroma: C = M = Y = 255 - luma, which let that much through.
        let white = FlatJPEG(
            components: [0, 128, 128, 255], adobeTransform: 2, segments: [CMYKProfile.segment])
        expect(try read(white).image, lab: [100, 0, 0])
        let inks = FlatJPEG(
            components: [255, 128, 128, 255], adobeTransform: 2, segments: [CMYKProfile.segment])
        expect(
            try read(inks).image,
            lab: CMYKProfile.lab(cyan: true, magenta: true, yellow: true, black: false))
    }

    @Test("the result says sRGB where it can, and the profile, which no longer fits, is gone")
    func describesResult() throws {
        let image = try read(
            FlatJPEG(components: [1, 2, 3, 4], adobeTransform: 0, segments: [CMYKProfile.segment])
        ).image
        #expect(image.metadata == ImageMetadata(pngRenderingIntent: 1))
        let plain = try read(FlatJPEG(components: [1, 2, 3, 4], adobeTransform: 0)).image
        #expect(plain.metadata == ImageMetadata())
    }

    @Test("a profile that is broken or for other colours is passed over with a note")
    func passesOverBadProfile() throws {
        let broken = Array(CMYKProfile.bytes.prefix(160))
        for profile in [broken, Fixtures.iccProfile(), [1, 2, 3]] {
            var jpeg = FlatJPEG(components: [255, 128, 0, 255], adobeTransform: 0)
            jpeg.segments = [(0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + profile)]
            let (image, notes) = try read(jpeg)
            #expect(image.samples.prefix(3) == [255, 128, 0])
            #expect(image.metadata == ImageMetadata())
            #expect(
                notes == [
                    "the CMYK profile of 'x.jpg' cannot be used: colours were converted without it"
                ])
        }
    }

    @Test("any damage to the profile does no more than that")
    func survivesNoise() throws {
        var generator = SplitMix64(state: 5)
        for _ in 0..<200 {
            var profile = CMYKProfile.bytes
            for _ in 0..<3 {
                let index = Int.random(in: 0..<200, using: &generator)
                profile[index] = UInt8.random(in: 0...255, using: &generator)
            }
            var jpeg = FlatJPEG(components: [9, 99, 199, 255], adobeTransform: 0)
            jpeg.segments = [(0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + profile)]
            #expect(try read(jpeg).image.samples.count == 192)
        }
    }

    @Test("an RGB picture keeps its pixels whatever its profile is of")
    func keepsRGB() throws {
        let jpeg = FlatJPEG(
            components: [10, 20, 30], adobeTransform: 0, segments: [CMYKProfile.segment])
        let image = try read(jpeg).image
        #expect(image.samples.prefix(3) == [10, 20, 30])
        let again = try Image.decoded(from: image.encoded(as: .png), name: "again")
        #expect(again.samples == image.samples)
        #expect(again.metadata.iccProfile == nil)
    }
}
