import Tensors

/// The forward (noising) process q.
public enum ForwardProcess {
    /// x_t = √γ·x₀ + √(1−γ)·ε, from a clean picture to any level at once (DDPM eq. 4).
    ///
    /// - Parameters:
    ///   - clean, noise: N×C×H×W.
    ///   - signalLevel: γ per sample, length N, in [0, 1].
    public static func noisy(clean: Tensor, noise: Tensor, signalLevel: Tensor) throws -> Tensor {
        let level = try signalLevel.perSample()
        return try level.squareRoot() * clean + (1 - level).squareRoot() * noise
    }

    /// x_t = √(1−β_t)·x_{t−1} + √β_t·ε, a single step (DDPM eq. 2).
    public static func step(_ previous: Tensor, beta: Double, noise: Tensor) throws -> Tensor {
        try (1 - beta).squareRoot() * previous + beta.squareRoot() * noise
    }
}
