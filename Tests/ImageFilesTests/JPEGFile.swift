/// What is where in a JPEG file.
enum JPEGFile {
    /// Where the first segment of that marker begins, among those before the first scan's data.
    static func segment(_ code: UInt8, of file: [UInt8]) -> Int? {
        var offset = 2
        while offset + 3 < file.count, file[offset] == 0xFF {
            if file[offset + 1] == code { return offset }
            if file[offset + 1] == 0xDA { return nil }
            offset += 2 + Int(file[offset + 2]) << 8 + Int(file[offset + 3])
        }
        return nil
    }

    /// The file with a segment put right after its start.
    static func inserting(_ code: UInt8, _ content: [UInt8], in file: [UInt8]) -> [UInt8] {
        let length = content.count + 2
        return Array(file[..<2]) + [0xFF, code, UInt8(length >> 8), UInt8(length & 255)] + content
            + file[2...]
    }
}
