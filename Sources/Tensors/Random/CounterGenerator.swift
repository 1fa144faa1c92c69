import Glibc

/// Philox 4×32-10, a counter-based random generator: the output is a pure function of
/// (key, counter), so a value can be computed for any position without computing the others.
///
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
public struct CounterGenerator: Sendable {
    private let key0: UInt32
    private let key1: UInt32

    public init(seed: UInt64) {
        key0 = UInt32(truncatingIfNeeded: seed)
        key1 = UInt32(truncatingIfNeeded: seed >> 32)
    }

    /// Four independent 32-bit words for one counter.
    @inline(__always)
    public func words(_ c0: UInt32, _ c1: UInt32, _ c2: UInt32, _ c3: UInt32) -> SIMD4<UInt32> {
        var (x0, x1, x2, x3) = (c0, c1, c2, c3)
        var (k0, k1) = (key0, key1)
        for _ in 0..<10 {
            let a = UInt64(x0) &* 0xD251_1F53
            let b = UInt64(x2) &* 0xCD9E_8D57
            (x0, x1, x2, x3) = (
                UInt32(truncatingIfNeeded: b >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: a)
            )
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return SIMD4(x0, x1, x2, x3)
    }

    /// Four standard normal values for one counter, by Box and Muller's transform.
    @inline(__always)
    public func normals(_ c0: UInt32, _ c1: UInt32, _ c2: UInt32, _ c3: UInt32) -> SIMD4<Float> {
        let word = words(c0, c1, c2, c3)
        // (0, 1]: the logarithm of 0 must not be asked for.
        let scale: Float = 1 / 16_777_216
        let u0 = (Float(word[0] >> 8) + 1) * scale
        let u1 = (Float(word[2] >> 8) + 1) * scale
        let a0 = Float(word[1] >> 8) * scale * 2 * .pi
        let a1 = Float(word[3] >> 8) * scale * 2 * .pi
        let r0 = (-2 * logf(u0)).squareRoot()
        let r1 = (-2 * logf(u1)).squareRoot()
        return SIMD4(r0 * cosf(a0), r0 * sinf(a0), r1 * cosf(a1), r1 * sinf(a1))
    }
}

/// A stream of random numbers over ``CounterGenerator``: seeded, cheap, the same everywhere.
public struct CounterStream: RandomNumberGenerator, Sendable {
    private let generator: CounterGenerator
    private let stream: UInt64
    private var position: UInt64 = 0

    /// Streams with another number are independent of each other.
    public init(seed: UInt64, stream: UInt64 = 0) {
        generator = CounterGenerator(seed: seed)
        self.stream = stream
    }

    public mutating func next() -> UInt64 {
        let word = generator.words(
            UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32),
            UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
        position &+= 1
        return UInt64(word[0]) << 32 | UInt64(word[1])
    }

    /// Uniform over [0, 1).
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
