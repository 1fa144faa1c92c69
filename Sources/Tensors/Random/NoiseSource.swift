import CTorch
import Foundation

/// Noise from libtorch's own generators, for training: fast on the device it is made on, and
/// repeatable on that kind of device only. Sampling uses ``NoiseField``.
public enum NoiseSource {
    /// Held from the seed to the last number: a device's generator is one for all threads of a process.
    private static let lock = NSLock()

    /// N(0, 1) of a tensor's shape, device and layout, from a seed.
    public static func normal(like tensor: Tensor, seed: UInt64) throws -> Tensor {
        try noGrad {
            let noise = try tensor.detach().clone()
            try lock.withLock {
                guard ct_manual_seed(seed) == 0 else { throw TensorError.last("seed", []) }
                try noise.fillNormal()
            }
            return noise
        }
    }

    /// The same for some of a batch: the part gets what it would have as a part of the whole.
    ///
    /// - Parameters:
    ///   - part: n×… for the n samples of `range`.
    ///   - count: how many samples the whole batch has.
    public static func normal(like part: Tensor, range: Range<Int>, of count: Int, seed: UInt64) throws
        -> Tensor
    {
        guard range.count < count else { return try normal(like: part, seed: seed) }
        let whole = try part.narrowed(0, start: 0, count: 1).expanded([count] + part.shape.dropFirst())
        return try normal(like: part.isChannelsLast ? whole.channelsLast() : whole.contiguous(), seed: seed)
            .narrowed(0, start: range.lowerBound, count: range.count)
    }
}
