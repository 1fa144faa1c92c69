/// Reads of fixed-width little-endian numbers that check their bounds.
extension UnsafeRawBufferPointer {
    /// The number at a byte offset, or `nil` where it does not lie wholly inside.
    func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, at offset: Int
    ) -> Number? {
        guard offset >= 0, count >= MemoryLayout<Number>.size,
            offset <= count - MemoryLayout<Number>.size
        else { return nil }
        return Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// The part from `offset` of `length` bytes, or `nil` where it does not lie wholly inside.
    func part(at offset: Int, length: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: self[offset..<offset + length])
    }
}
