import Foundation

/// A small ICC profile for CMYK, made by hand: a table of two points per ink, to Lab.
enum CMYKProfile {
    /// The Lab colour of full inks: L* in 0...100, a* and b*.
    static func lab(cyan: Bool, magenta: Bool, yellow: Bool, black: Bool) -> [Int] {
        if black { return [0, 0, 0] }
        var lab = [100, 0, 0]
        if cyan { lab = [lab[0] - 30, lab[1] - 15, lab[2] - 12] }
        if magenta { lab = [lab[0] - 25, lab[1] + 22, lab[2] - 3] }
        if yellow { lab = [lab[0] - 10, lab[1] - 4, lab[2] + 25] }
        return lab
    }

    static var bytes: [UInt8] {
        let identity = (0...255).map { UInt8($0) }
        var table = Array("mft1".utf8) + [0, 0, 0, 0, 4, 3, 2, 0]
        for row in 0..<3 {
            for column in 0..<3 { table += [0, row == column ? 1 : 0, 0, 0] }
        }
        for _ in 0..<4 { table += identity }
        for corner in 0..<16 {
            // The first ink changes slowest.
            let lab = lab(
                cyan: corner & 8 != 0, magenta: corner & 4 != 0, yellow: corner & 2 != 0,
                black: corner & 1 != 0)
            table += [UInt8((Double(lab[0]) * 2.55).rounded()), UInt8(lab[1] + 128), UInt8(lab[2] + 128)]
        }
        for _ in 0..<3 { table += identity }

        var profile = [UInt8](repeating: 0, count: 128)
        profile.replaceSubrange(0..<4, with: PNGFile.bigEndian(UInt32(144 + table.count)))
        profile.replaceSubrange(8..<12, with: [2, 0x40, 0, 0])
        profile.replaceSubrange(12..<24, with: Array("prtrCMYKLab ".utf8))
        profile.replaceSubrange(36..<40, with: Array("acsp".utf8))
        profile.replaceSubrange(68..<80, with: [0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D])
        profile += PNGFile.bigEndian(1) + Array("A2B0".utf8)
        return profile + PNGFile.bigEndian(144) + PNGFile.bigEndian(UInt32(table.count)) + table
    }

    /// The profile as an APP2 segment.
    static var segment: (code: UInt8, content: [UInt8]) {
        (0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + bytes)
    }

    /// A Lab colour (D50) in sRGB, 0...255: CIE 15 and the inverse of sRGB's primaries adapted
    /// to D50 by Bradford.
    static func sRGB(lab: [Int]) -> [Double] {
        let y = (Double(lab[0]) + 16) / 116
        func linear(_ t: Double) -> Double { t > 6.0 / 29 ? t * t * t : 108.0 / 841 * (t - 4.0 / 29) }
        let xyz = [
            0.9642 * linear(y + Double(lab[1]) / 500), linear(y), 0.8249 * linear(y - Double(lab[2]) / 200),
        ]
        let matrix = [
            [3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540],
            [0.0719453, -0.2289914, 1.4052427],
        ]
        return matrix.map { row in
            let value = min(max(zip(row, xyz).map { $0 * $1 }.reduce(0, +), 0), 1)
            return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055)
        }
    }
}
