import CTorch

/// Noise from libtorch's own generators, for training: fast on the device it is made on, and
/// repeatable on that kind of device only. Sampling uses ``NoiseField``.
public enum NoiseSource {
    /// N(0, 1) of a tensor's shape, device and layout, from a seed.
    public static func normal(like tensor: Tensor, seed: UInt64) throws -> Tensor {
        guard ct_manual_seed(seed) == 0 else { throw TensorError.last("seed", []) }
        return try noGrad {
            let noise = try tensor.detach().clone()
            try noise.fillNormal()
            return noise
        }
    }
}
