import ImageFiles
import Testing

@Suite("JPEG")
struct JPEGTests {
    /// The first pixel of a decoded file.
    private func pixel(_ jpeg: FlatJPEG) throws -> [UInt16] {
        let image = try Image.decoded(from: jpeg.bytes, name: "flat.jpg")
        #expect(image.width == 8 && image.height == 8 && image.bitDepth == 8)
        let first = Array(image.samples.prefix(image.channels))
        // Flat in, flat out.
        #expect(
            (0..<64).allSatisfy { p in
                Array(image.samples[p * image.channels..<(p + 1) * image.channels]) == first
            })
        return first
    }

    @Test("gray, YCbCr and RGB files decode to their values")
    func decodesColorSpaces() throws {
        #expect(try pixel(FlatJPEG(components: [200])) == [200])
        #expect(
            try pixel(FlatJPEG(components: [10, 20, 30], adobeTransform: 0)) == [10, 20, 30])
        // R = Y + 1.402 (Cr - 128), and so on (JFIF 1.02).
        #expect(
            try pixel(FlatJPEG(components: [100, 128, 178], adobeTransform: 1))
                == [170, 64, 100])
    }

    @Test("CMYK as Adobe writes it, inverted, becomes RGB")
    func decodesCMYK() throws {
        // 255 lets everything through.
        #expect(
            try pixel(FlatJPEG(components: [255, 128, 0, 255], adobeTransform: 0))
                == [255, 128, 0])
        #expect(
            try pixel(FlatJPEG(components: [255, 100, 50, 51], adobeTransform: 0))
                == [51, 20, 10])
    }

    @Test("CMYK without Adobe marker counts ink")
    func decodesPlainCMYK() throws {
        #expect(try pixel(FlatJPEG(components: [0, 127, 255, 0])) == [255, 128, 0])
    }

    @Test("YCCK becomes RGB")
    func decodesYCCK() throws {
        // Neutral chroma: C = M = Y = 255 - luma, of which Adobe means the complement.
        let pixel = try pixel(FlatJPEG(components: [55, 128, 128, 255], adobeTransform: 2))
        #expect(pixel == [200, 200, 200])
    }

    @Test("two components and twelve bits are called unsupported")
    func refusesUnsupported() {
        #expect(
            Fixtures.errorKind {
                _ = try Image.decoded(
                    from: FlatJPEG(components: [1, 2]).bytes, name: "two.jpg")
            } == .unsupported)
        #expect(
            Fixtures.errorKind {
                _ = try Image.decoded(
                    from: FlatJPEG(components: [1], precision: 12).bytes, name: "deep.jpg")
            } == .unsupported)
    }

    @Test("a size beyond the limit is refused before memory is taken")
    func refusesHugeSize() {
        let jpeg = FlatJPEG(components: [1, 2, 3], claimedSize: (65000, 65000))
        let error = #expect(throws: ImageFileError.self) {
            try Image.decoded(from: jpeg.bytes, name: "huge.jpg")
        }
        #expect(error?.kind == .unsupported)
        #expect(error?.description.contains("65000 x 65000") == true)
    }

    @Test("ICC segments out of order are put together, and with a gap dropped")
    func assemblesProfile() throws {
        let profile = Fixtures.iccProfile(count: 404)
        func segment(_ number: UInt8, of total: UInt8, _ part: ArraySlice<UInt8>)
            -> (code: UInt8, content: [UInt8])
        {
            (0xE2, Array("ICC_PROFILE\0".utf8) + [number, total] + part)
        }
        let parts = [
            segment(3, of: 3, profile[300...]), segment(1, of: 3, profile[..<101]),
            segment(2, of: 3, profile[101..<300]),
        ]
        let whole = FlatJPEG(components: [1, 2, 3], segments: parts)
        #expect(
            try Image.decoded(from: whole.bytes, name: "icc").metadata.iccProfile == profile)
        let gap = FlatJPEG(components: [1, 2, 3], segments: Array(parts[..<2]))
        #expect(
            try Image.decoded(from: gap.bytes, name: "icc").metadata.iccProfile == nil)
        let cmyk = FlatJPEG(components: [1, 2, 3, 4], adobeTransform: 0, segments: parts)
        #expect(
            try Image.decoded(from: cmyk.bytes, name: "icc").metadata.iccProfile == nil)
    }

    @Test("quality decides size, closeness and chroma sampling", arguments: [1, 50, 90, 100])
    func encodes(quality: Int) throws {
        let image = try Fixtures.smoothImage(width: 48, height: 32)
        let bytes = try image.encoded(as: .jpeg, options: .init(jpegQuality: quality))
        // Sampling factors of the first component stand 11 bytes into the SOF0 segment.
        let frame = try #require(
            bytes.indices.dropLast(12).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        #expect(bytes[frame + 11] == (quality >= 90 ? 0x11 : 0x22))
        let again = try Image.decoded(from: bytes, name: "again")
        #expect(again.width == 48 && again.height == 32 && again.channels == 3)
        let worst = zip(image.samples, again.samples).map { abs(Int($0) - Int($1)) }.max()
        if quality == 100 { #expect(try #require(worst) <= 4) }
    }

    @Test("16 bits are rounded to 8, alpha is seen before white")
    func flattens() throws {
        let deep = try Image(
            width: 8, height: 8, channels: 1, bitDepth: 16,
            samples: [UInt16](repeating: 257 * 100 + 128, count: 64))
        let gray = try Image.decoded(
            from: deep.encoded(as: .jpeg, options: .init(jpegQuality: 100)), name: "gray")
        #expect(gray.channels == 1)
        #expect(gray.samples.allSatisfy { abs(Int($0) - 100) <= 1 })

        let clear = try Image(
            width: 8, height: 8, channels: 4, bitDepth: 8,
            samples: (0..<64).flatMap { _ in [UInt16]([0, 100, 200, 51]) })
        let flat = try Image.decoded(
            from: clear.encoded(as: .jpeg, options: .init(jpegQuality: 100)), name: "flat")
        // 0.2 of the colour and 0.8 of white.
        for (value, expected) in zip(flat.samples.prefix(3), [204, 224, 244]) {
            #expect(abs(Int(value) - expected) <= 2)
        }
    }

    @Test("quality outside 1...100 is refused", arguments: [0, 101, -5, Int.max])
    func refusesQuality(quality: Int) throws {
        let image = try Fixtures.smoothImage(width: 4, height: 4)
        #expect(
            Fixtures.errorKind { _ = try image.encoded(as: .jpeg, options: .init(jpegQuality: quality)) }
                == .invalidArgument)
    }

    @Test("a side JPEG cannot hold is refused")
    func refusesLongSide() throws {
        let image = try Image(
            width: 65501, height: 1, channels: 1, bitDepth: 8,
            samples: [UInt16](repeating: 0, count: 65501))
        #expect(Fixtures.errorKind { _ = try image.encoded(as: .jpeg) } == .invalidArgument)
    }
}
