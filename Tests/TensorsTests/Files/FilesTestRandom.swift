/// SplitMix64: the same numbers on every machine for the same seed.
struct FilesTestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The bytes with one to four of them changed, and one time in eight cut short.
    ///
    /// - Parameter range: where changes fall, as if the rest were not of interest.
    mutating func mutation(of bytes: [UInt8], in range: Range<Int>) -> [UInt8] {
        var mutated = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let index = Int.random(in: range, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: mutated[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: mutated[index] = .random(in: .min ... .max, using: &self)
            case 2: mutated[index] = Bool.random(using: &self) ? 0xFF : 0
            default: mutated[index] = bytes[Int.random(in: range, using: &self)]
            }
        }
        if Int.random(in: 0..<8, using: &self) == 0 {
            mutated.removeLast(Int.random(in: 0..<mutated.count, using: &self))
        }
        return mutated
    }
}
