@testable import ImageFiles

/// Small pictures and metadata, made rather than stored.
enum Fixtures {
    /// A picture in which every sample differs from its neighbours.
    static func image(
        width: Int, height: Int, channels: Int, bitDepth: Int,
        metadata: ImageMetadata = .init()
    ) throws -> Image {
        let modulus: UInt32 = bitDepth == 16 ? 65536 : 256
        let samples = (0..<width * height * channels).map { index in
            UInt16((UInt32(truncatingIfNeeded: index) &* 40503 &+ 977) % modulus)
        }
        return try Image(
            width: width, height: height, channels: channels, bitDepth: bitDepth,
            samples: samples, metadata: metadata)
    }

    /// A smooth colour picture, kind to JPEG.
    static func smoothImage(
        width: Int, height: Int, channels: Int = 3, bitDepth: Int = 8
    ) throws -> Image {
        var samples: [UInt16] = []
        let maximum = bitDepth == 16 ? 65535 : 255
        for y in 0..<height {
            for x in 0..<width {
                let values = [
                    maximum * x / width, maximum * y / height,
                    maximum * (x + y) / (width + height), maximum,
                ]
                samples += values.prefix(channels).map(UInt16.init)
            }
        }
        return try Image(
            width: width, height: height, channels: channels, bitDepth: bitDepth,
            samples: samples)
    }

    /// An ICC profile whose header and tag table are well formed, as libpng demands.
    static func iccProfile(space: String = "RGB ", count: Int = 400) -> [UInt8] {
        func bigEndian(_ value: Int) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
        }
        var profile = [UInt8](repeating: 0, count: 128)
        profile.replaceSubrange(0..<4, with: bigEndian(count))
        profile.replaceSubrange(8..<12, with: [4, 0x30, 0, 0])
        profile.replaceSubrange(12..<16, with: Array("mntr".utf8))
        profile.replaceSubrange(16..<20, with: Array(space.utf8))
        profile.replaceSubrange(20..<24, with: Array("XYZ ".utf8))
        profile.replaceSubrange(36..<40, with: Array("acsp".utf8))
        // The D50 white point.
        profile.replaceSubrange(
            68..<80, with: [0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D])
        profile += bigEndian(1)
        profile += Array("desc".utf8) + bigEndian(144) + bigEndian(count - 144)
        profile += (144..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        return profile
    }

    /// An EXIF block: orientation, a link to an Exif directory with the pixel size, and a
    /// thumbnail directory after the first.
    static func exif(
        orientation: Int, width: Int = 1, height: Int = 1, littleEndian: Bool = true
    ) -> [UInt8] {
        func number(_ value: Int, _ size: Int) -> [UInt8] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            return littleEndian ? bytes : bytes.reversed()
        }
        func entry(_ tag: Int, type: Int, _ value: Int) -> [UInt8] {
            // A short stands in the first half of the value field.
            let field = type == 3 ? number(value, 2) + [0, 0] : number(value, 4)
            return number(tag, 2) + number(type, 2) + number(1, 4) + field
        }
        var block = Array((littleEndian ? "II" : "MM").utf8) + number(42, 2) + number(8, 4)
        block += number(2, 2)
        block += entry(0x0112, type: 3, orientation) + entry(0x8769, type: 4, 38)
        block += number(68, 4)
        block += number(2, 2)
        block += entry(0xA002, type: 4, width) + entry(0xA003, type: 3, height)
        block += number(0, 4)
        block += number(0, 2) + number(0, 4)
        return block
    }

    /// The kind of the error that `body` throws, or nil.
    static func errorKind(_ body: () throws -> Void) -> ImageFileError.Kind? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ImageFileError)?.kind
        }
    }
}
