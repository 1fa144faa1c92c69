import Foundation
import ImageFiles

/// Small pictures, made rather than stored.
enum TestPictures {
    /// Soft waves of colour with some noise; alpha falls from left to right.
    static func waves(
        width: Int = 7, height: Int = 5, channels: Int = 3, bitDepth: Int = 8,
        metadata: ImageMetadata = .init()
    ) throws -> Image {
        var state: UInt32 = 99
        var samples: [UInt16] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<channels {
                    state = state &* 1_664_525 &+ 1_013_904_223
                    let wave = sin(Double(x) * 0.5 + Double(channel)) + cos(Double(y) * 0.4)
                    var level = 110 + 35 * wave + Double(state >> 24) / 12
                    if channels % 2 == 0, channel == channels - 1 { level = 255 - Double(200 * x / width) }
                    samples.append(UInt16(bitDepth == 16 ? level * 257 : level))
                }
            }
        }
        return try Image(
            width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples,
            metadata: metadata)
    }

    /// A PNG with a palette of four colours, 8 bits an index.
    static func palettePNG(width: Int, height: Int) -> [UInt8] {
        let palette: [UInt8] = [200, 40, 40, 40, 200, 40, 40, 40, 200, 220, 220, 220]
        var rows: [UInt8] = []
        for y in 0..<height { rows += [0] + (0..<width).map { UInt8(($0 + y) % 4) } }
        let header = bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, 3, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
            + chunk("PLTE", palette)
            + chunk("IDAT", stored(rows)) + chunk("IEND", [])
    }

    /// An EXIF block that says nothing but the orientation.
    static func exif(orientation: UInt8) -> [UInt8] {
        Array("II".utf8) + [
            42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0,
        ]
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(kind.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(checksum(body))
    }

    /// CRC-32, bit by bit.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { bits, _ in
                bits & 1 == 1 ? bits >> 1 ^ 0xEDB8_8320 : bits >> 1
            }
        }
    }

    /// A zlib stream of one stored block.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            a = (a + UInt32(byte)) % 65521
            b = (b + a) % 65521
        }
        let (low, high) = (UInt8(bytes.count & 255), UInt8(bytes.count >> 8))
        return [0x78, 1, 1, low, high, ~low, ~high] + bytes + bigEndian(b << 16 | a)
    }
}
