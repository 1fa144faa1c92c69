/// A writer of tiny JPEG files of one flat 8 × 8 block, for the kinds of JPEG that the
/// library reads but does not write.
struct FlatJPEG {
    /// The value of each component, as stored.
    var components: [Int]
    /// The transform flag of an Adobe marker (0 none, 1 YCbCr, 2 YCCK), or no marker.
    var adobeTransform: UInt8?
    /// Whole marker segments to put before the picture: marker code and content.
    var segments: [(code: UInt8, content: [UInt8])] = []
    /// Bits per sample as the frame header claims.
    var precision: UInt8 = 8
    /// Width and height as the frame header claims.
    var claimedSize: (width: Int, height: Int) = (8, 8)

    var bytes: [UInt8] {
        var file: [UInt8] = [0xFF, 0xD8]
        func append(_ code: UInt8, _ content: [UInt8]) {
            let length = content.count + 2
            file += [0xFF, code, UInt8(length >> 8), UInt8(length & 255)] + content
        }
        if let adobeTransform {
            append(0xEE, Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, adobeTransform])
        }
        for segment in segments { append(segment.code, segment.content) }
        // All divisors 1: the DC coefficient is eight times the flat value.
        append(0xDB, [0] + [UInt8](repeating: 1, count: 64))
        let ids = components.indices.map { UInt8($0 + 1) }
        let size = [claimedSize.height, claimedSize.width].flatMap {
            [UInt8($0 >> 8), UInt8($0 & 255)]
        }
        append(
            0xC0, [precision] + size + [UInt8(ids.count)] + ids.flatMap { [$0, 0x11, 0] })
        // DC: the twelve categories, four bits each. AC: end of block alone, one bit.
        append(0xC4, [0x00] + [0, 0, 0, 12] + [UInt8](repeating: 0, count: 12) + Array(0..<12))
        append(0xC4, [0x10] + [1] + [UInt8](repeating: 0, count: 15) + [0])
        append(0xDA, [UInt8(ids.count)] + ids.flatMap { [$0, 0x00] } + [0, 63, 0])

        var bits = ""
        for component in components {
            let coefficient = 8 * (component - 128)
            let category = String(abs(coefficient), radix: 2).count * (coefficient == 0 ? 0 : 1)
            bits += Self.binary(category, count: 4)
            // Negative values are stored as their ones' complement.
            let value = coefficient < 0 ? coefficient + (1 << category) - 1 : coefficient
            bits += Self.binary(value, count: category) + "0"
        }
        while bits.count % 8 != 0 { bits += "1" }
        var rest = Substring(bits)
        while !rest.isEmpty {
            let byte = UInt8(rest.prefix(8), radix: 2) ?? 0
            file += byte == 0xFF ? [0xFF, 0] : [byte]
            rest = rest.dropFirst(8)
        }
        return file + [0xFF, 0xD9]
    }

    private static func binary(_ value: Int, count: Int) -> String {
        guard count > 0 else { return "" }
        let digits = String(value, radix: 2)
        return String(repeating: "0", count: count - digits.count) + digits
    }
}
