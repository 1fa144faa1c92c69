/// The cyclic redundancy check of RFC 3720, Castagnoli's polynomial, with reflected bits.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in
            value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
        }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { value, byte in
            table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ (value >> 8)
        }
    }

    /// As TFRecord files store it, so that a checksum of data that holds checksums is no trivial one.
    static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let checksum = checksum(bytes)
        return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    }
}
