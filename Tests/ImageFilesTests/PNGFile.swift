/// A writer of PNG files, for what the library reads but does not write: interlaced pictures,
/// and chunks of any content.
enum PNGFile {
    /// The checksum of chunks.
    static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
            }
        }
    }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
    }

    /// The file with chunks put between its header and all else.
    static func inserting(_ chunks: [UInt8], in file: [UInt8]) -> [UInt8] {
        Array(file[..<33]) + chunks + file[33...]
    }

    /// The file with another size in its header.
    static func claiming(width: UInt32, height: UInt32, in file: [UInt8]) -> [UInt8] {
        let header = Array("IHDR".utf8) + bigEndian(width) + bigEndian(height) + file[24..<29]
        return Array(file[..<12]) + header + bigEndian(crc32(header)) + file[33...]
    }

    /// 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha.
    static func colorType(of file: [UInt8]) -> Int { Int(file[25]) }

    /// Where the data of the first IDAT chunk begins.
    static func firstData(of file: [UInt8]) -> Int? {
        file.indices.dropLast(4).first { file[$0..<$0 + 4].elementsEqual("IDAT".utf8) }.map { $0 + 4 }
    }

    /// An 8-bit picture, its rows unfiltered and not compressed, so that each of its bytes is
    /// a byte of the file. `samples` are row by row.
    static func stored(
        width: Int, height: Int, channels: Int, samples: [UInt8], isInterlaced: Bool
    ) -> [UInt8] {
        let colorType: UInt8 = [0, 4, 2, 6][channels - 1]
        var header = bigEndian(UInt32(width)) + bigEndian(UInt32(height))
        header += [8, colorType, 0, 0, isInterlaced ? 1 : 0]
        var rows: [UInt8] = []
        for pass in isInterlaced ? Pass.adam7 : [Pass(x: 0, y: 0, dx: 1, dy: 1)] where pass.x < width {
            for y in stride(from: pass.y, to: height, by: pass.dy) {
                rows.append(0)
                for x in stride(from: pass.x, to: width, by: pass.dx) {
                    let start = (y * width + x) * channels
                    rows += samples[start..<start + channels]
                }
            }
        }
        return [0x89] + Array("PNG".utf8) + [13, 10, 26, 10] + chunk("IHDR", header)
            + chunk("IDAT", Deflate.stored(rows)) + chunk("IEND", [])
    }

    /// The first pixel and the steps of a pass.
    private struct Pass {
        var x: Int
        var y: Int
        var dx: Int
        var dy: Int

        static let adam7 = [
            Pass(x: 0, y: 0, dx: 8, dy: 8), Pass(x: 4, y: 0, dx: 8, dy: 8),
            Pass(x: 0, y: 4, dx: 4, dy: 8), Pass(x: 2, y: 0, dx: 4, dy: 4),
            Pass(x: 0, y: 2, dx: 2, dy: 4), Pass(x: 1, y: 0, dx: 2, dy: 2),
            Pass(x: 0, y: 1, dx: 1, dy: 2),
        ]
    }
}
