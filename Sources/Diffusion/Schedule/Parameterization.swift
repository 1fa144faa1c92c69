import Tensors

/// What the network predicts. All three say the same; their errors weigh differently.
public enum Parameterization: String, Sendable, Codable, CaseIterable {
    /// ε, the noise (DDPM).
    case noise
    /// v = √γ·ε − √(1−γ)·x₀ (Salimans and Ho, "Progressive distillation", 2022).
    case velocity
    /// x₀, the clean picture.
    case clean

    /// The training target at `level` (N×1×1×1 signal levels).
    public func target(clean: Tensor, noise: Tensor, level: Tensor) throws -> Tensor {
        switch self {
        case .noise: noise
        case .velocity: try level.squareRoot() * noise - (1 - level).squareRoot() * clean
        case .clean: clean
        }
    }

    /// The estimate x̂₀ of a prediction at `level` (N×1×1×1 signal levels above 0).
    public func clean(prediction: Tensor, noisy: Tensor, level: Tensor) throws -> Tensor {
        switch self {
        case .noise: try (noisy - (1 - level).squareRoot() * prediction) / level.squareRoot()
        case .velocity: try level.squareRoot() * noisy - (1 - level).squareRoot() * prediction
        case .clean: prediction
        }
    }

    /// The estimate of a prediction with x̂₀ brought into its range and ε̂ recomputed.
    func estimate(prediction: Tensor, noisy: Tensor, gamma: Double, limit: CleanLimit?) throws -> Estimate {
        let estimate = try estimate(prediction: prediction, noisy: noisy, gamma: gamma)
        guard let limit else { return estimate }
        return try estimate.limited(to: limit, noisy: noisy, gamma: gamma)
    }

    /// x̂₀ and ε̂ that follow from a prediction at signal level γ in (0, 1).
    public func estimate(prediction: Tensor, noisy: Tensor, gamma: Double) throws -> Estimate {
        let signal = gamma.squareRoot()
        let sigma = (1 - gamma).squareRoot()
        switch self {
        case .noise:
            return Estimate(clean: try (noisy - sigma * prediction) / signal, noise: prediction)
        case .velocity:
            return Estimate(
                clean: try signal * noisy - sigma * prediction, noise: try signal * prediction + sigma * noisy
            )
        case .clean:
            return Estimate(clean: prediction, noise: try (noisy - signal * prediction) / max(sigma, 1e-8))
        }
    }
}

/// What a prediction says about a noisy picture.
public struct Estimate {
    /// x̂₀
    public var clean: Tensor
    /// ε̂
    public var noise: Tensor

    /// Limits x̂₀ and recomputes the ε̂ that the noisy picture then implies: a step with the old
    /// ε̂ would carry the part that was cut on.
    public func limited(to limit: CleanLimit, noisy: Tensor, gamma: Double) throws -> Estimate {
        let limited = try limit(clean)
        let sigma = max((1 - gamma).squareRoot(), 1e-8)
        return Estimate(clean: limited, noise: try (noisy - gamma.squareRoot() * limited) / sigma)
    }
}

/// Brings a clean estimate into the range it is known to have.
public struct CleanLimit {
    private let limit: (Tensor) throws -> Tensor

    public init(_ limit: @escaping (Tensor) throws -> Tensor) { self.limit = limit }

    /// ± bound.
    public static func symmetric(_ bound: Double) -> CleanLimit {
        CleanLimit { try $0.clamped(-bound, bound) }
    }

    public func callAsFunction(_ clean: Tensor) throws -> Tensor { try limit(clean) }
}
