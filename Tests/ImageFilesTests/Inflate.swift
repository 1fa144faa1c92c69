/// A plain decoder of zlib streams (RFC 1950 and 1951), for the reference PNG decoder.
///
/// It shares no code with zlib, so that a wrong result of the code under test cannot be
/// repeated here.
struct Inflate {
    struct Failure: Error {}

    private let bytes: [UInt8]
    private var bitOffset = 0
    private var output: [UInt8] = []

    static func decompress(_ bytes: [UInt8]) throws -> [UInt8] {
        // Two bytes of header before, four of checksum after the stream.
        var inflate = Inflate(bytes: Array(bytes.dropFirst(2)))
        return try inflate.run()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func bits(_ count: Int) throws -> Int {
        var value = 0
        for shift in 0..<count {
            guard bitOffset / 8 < bytes.count else { throw Failure() }
            value |= Int(bytes[bitOffset / 8] >> (bitOffset % 8) & 1) << shift
            bitOffset += 1
        }
        return value
    }

    /// A canonical Huffman code: how many codes there are of each length, and the symbols
    /// in the order of their codes.
    private struct Code {
        var counts = [Int](repeating: 0, count: 16)
        var symbols: [Int] = []

        init(lengths: [Int]) {
            for length in 1..<16 {
                let members = lengths.indices.filter { lengths[$0] == length }
                counts[length] = members.count
                symbols += members
            }
        }
    }

    private mutating func symbol(_ code: Code) throws -> Int {
        var value = 0
        var firstCode = 0
        var firstIndex = 0
        for length in 1..<16 {
            value |= try bits(1)
            if value - firstCode < code.counts[length] {
                return code.symbols[firstIndex + value - firstCode]
            }
            firstIndex += code.counts[length]
            firstCode = (firstCode + code.counts[length]) << 1
            value <<= 1
        }
        throw Failure()
    }

    private mutating func run() throws -> [UInt8] {
        var isLast = false
        while !isLast {
            isLast = try bits(1) == 1
            switch try bits(2) {
            case 0: try stored()
            case 1:
                let lengths =
                    [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112)
                    + [Int](repeating: 7, count: 24) + [Int](repeating: 8, count: 8)
                try compressed(
                    Code(lengths: lengths), Code(lengths: [Int](repeating: 5, count: 30)))
            case 2: try dynamic()
            default: throw Failure()
            }
        }
        return output
    }

    private mutating func stored() throws {
        bitOffset = (bitOffset + 7) / 8 * 8
        let count = try bits(16)
        _ = try bits(16)
        for _ in 0..<count { output.append(UInt8(try bits(8))) }
    }

    private mutating func dynamic() throws {
        let literals = try bits(5) + 257
        let distances = try bits(5) + 1
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var meta = [Int](repeating: 0, count: 19)
        for index in 0..<(try bits(4) + 4) { meta[order[index]] = try bits(3) }
        let metaCode = Code(lengths: meta)
        var lengths: [Int] = []
        while lengths.count < literals + distances {
            switch try symbol(metaCode) {
            case 16:
                guard let last = lengths.last else { throw Failure() }
                lengths += [Int](repeating: last, count: try bits(2) + 3)
            case 17: lengths += [Int](repeating: 0, count: try bits(3) + 3)
            case 18: lengths += [Int](repeating: 0, count: try bits(7) + 11)
            case let length: lengths.append(length)
            }
        }
        try compressed(
            Code(lengths: Array(lengths[..<literals])),
            Code(lengths: Array(lengths[literals..<literals + distances])))
    }

    private mutating func compressed(_ literalCode: Code, _ distanceCode: Code) throws {
        let lengthBase = [
            3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83,
            99, 115, 131, 163, 195, 227, 258,
        ]
        let lengthBits = [
            0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5,
            5, 0,
        ]
        while true {
            let literal = try symbol(literalCode)
            if literal < 256 {
                output.append(UInt8(literal))
            } else if literal == 256 {
                return
            } else {
                guard literal - 257 < lengthBase.count else { throw Failure() }
                let length = lengthBase[literal - 257] + (try bits(lengthBits[literal - 257]))
                let slot = try symbol(distanceCode)
                // Slots 0...3 are distances 1...4; then two slots for each further bit.
                let extra = max(0, slot / 2 - 1)
                let base = slot < 4 ? slot + 1 : ((2 + slot % 2) << extra) + 1
                let distance = base + (try bits(extra))
                guard distance <= output.count else { throw Failure() }
                for _ in 0..<length { output.append(output[output.count - distance]) }
            }
        }
    }
}
