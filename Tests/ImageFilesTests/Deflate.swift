/// zlib streams made by hand: one that does not compress, one that does as well as can be.
enum Deflate {
    /// The bytes as they are, in blocks of at most 65535.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var start = 0
        repeat {
            let count = min(65535, bytes.count - start)
            let isLast = start + count == bytes.count
            stream += [isLast ? 1 : 0] + [count, ~count].flatMap(littleEndian16)
            stream += bytes[start..<start + count]
            start += count
        } while start < bytes.count
        return stream + PNGFile.bigEndian(adler32(bytes))
    }

    /// A byte 258 × `runs` + 1 times: a bomb in thirteen bits a run.
    static func run(of byte: UInt8, runs: Int) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var bits: UInt32 = 0
        var bitCount = 0
        // Codes come highest bit first, all else lowest first.
        func put(_ value: UInt32, _ count: Int) {
            for shift in (0..<count).reversed() {
                bits |= (value >> shift & 1) << bitCount
                bitCount += 1
                if bitCount == 8 {
                    stream.append(UInt8(bits))
                    bits = 0
                    bitCount = 0
                }
            }
        }
        // The last block, with fixed codes.
        put(0b110, 3)
        byte < 144 ? put(0x30 + UInt32(byte), 8) : put(0x190 + UInt32(byte) - 144, 9)
        for _ in 0..<runs {
            // Length 258, no extra bits; distance 1.
            put(0b1100_0101, 8)
            put(0, 5)
        }
        put(0, 7)
        if bitCount > 0 { stream.append(UInt8(bits)) }
        return stream + PNGFile.bigEndian(adler32(repeatElement(byte, count: 258 * runs + 1)))
    }

    private static func littleEndian16(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }

    private static func adler32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            a = (a + UInt32(byte)) % 65521
            b = (b + a) % 65521
        }
        return b << 16 | a
    }
}
