import Glibc
import ImageFiles

/// What the first bytes of a file tell of the picture in it; nothing is decoded.
enum PictureProbe {
    /// - Parameter pixels: as the header claims; nil where it was not found.
    case picture(ImageFormat, pixels: Int?)
    /// Neither PNG nor JPEG.
    case foreign
    /// Empty, no plain file, or not to be read.
    case unknown

    init(_ path: String) {
        // Opening a pipe must not wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            self = .unknown
            return
        }
        defer { close(descriptor) }
        let head = Self.bytes(24, at: 0, of: descriptor)
        if head.isEmpty {
            self = .unknown
        } else if head.dropFirst().starts(with: Array("PNG".utf8)) {
            let sides = head.count == 24 ? (Self.number(head[16..<20]), Self.number(head[20..<24])) : nil
            self = .picture(.png, pixels: sides.flatMap(Self.pixels))
        } else if head.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .picture(.jpeg, pixels: Self.jpegPixels(descriptor))
        } else {
            self = .foreign
        }
    }

    /// Goes from segment to segment until a frame header says the size.
    private static func jpegPixels(_ descriptor: Int32) -> Int? {
        var position = 2
        for _ in 0..<256 {
            let segment = bytes(9, at: position, of: descriptor)
            guard segment.count == 9, segment[0] == 0xFF else { return nil }
            switch segment[1] {
            case 0xFF:
                position += 1
            // DHT, JPG and DAC lie among the frame headers' codes.
            case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(segment[1]):
                return pixels((number(segment[7..<9]), number(segment[5..<7])))
            case 0xD8...0xDA:
                return nil
            default:
                position += 2 + number(segment[2..<4])
            }
        }
        return nil
    }

    private static func pixels(_ sides: (Int, Int)) -> Int? {
        let (count, overflow) = sides.0.multipliedReportingOverflow(by: sides.1)
        return overflow || count == 0 ? nil : count
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    /// `count` bytes, fewer at the end of the file or where it cannot be read.
    private static func bytes(_ count: Int, at position: Int, of descriptor: Int32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, position))
        }
    }
}
