/// A message in the wire format of Protocol Buffers, written field by field.
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func key(_ field: Int, _ wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

    /// int32, int64, enumerations.
    mutating func add(_ field: Int, _ value: Int) {
        key(field, 0)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func add(_ field: Int, _ value: Double) {
        key(field, 1)
        bytes += value.bitPattern.littleEndianBytes
    }

    mutating func add(_ field: Int, _ value: Float) {
        key(field, 5)
        bytes += value.bitPattern.littleEndianBytes
    }

    /// bytes, and messages within.
    mutating func add(_ field: Int, _ value: [UInt8]) {
        key(field, 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func add(_ field: Int, _ value: String) { add(field, Array(value.utf8)) }
}

extension FixedWidthInteger {
    var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
