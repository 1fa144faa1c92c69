/// A picture of the netpbm formats PGM, PPM (binary) and PAM. Its reader trusts its input.
struct PortableMap {
    var width = 0
    var height = 0
    var channels = 0
    var maximum = 0
    /// 0...`maximum`, interleaved.
    var samples: [Int] = []

    /// The picture in a file.
    init(file: [UInt8]) {
        var offset = 0
        func word() -> String {
            while file[offset] <= 32 { offset += 1 }
            let start = offset
            while file[offset] > 32 { offset += 1 }
            return String(decoding: file[start..<offset], as: UTF8.self)
        }
        func number() -> Int { Int(word()) ?? 0 }
        let magic = word()
        if magic == "P7" {
            while true {
                let name = word()
                if name == "ENDHDR" { break }
                switch name {
                case "WIDTH": width = number()
                case "HEIGHT": height = number()
                case "DEPTH": channels = number()
                case "MAXVAL": maximum = number()
                default: _ = word()
                }
            }
        } else {
            channels = magic == "P6" ? 3 : 1
            width = number()
            height = number()
            maximum = number()
        }
        offset += 1
        let bytes = file[offset...]
        samples =
            maximum < 256
            ? bytes.map(Int.init)
            : stride(from: offset, to: file.count - 1, by: 2).map { Int(file[$0]) << 8 | Int(file[$0 + 1]) }
    }

    /// An 8-bit gray or RGB picture as the bytes of a PGM or PPM file.
    static func file(width: Int, height: Int, channels: Int, samples: [UInt16]) -> [UInt8] {
        Array("P\(channels == 3 ? 6 : 5) \(width) \(height) 255\n".utf8) + samples.map(UInt8.init)
    }
}
