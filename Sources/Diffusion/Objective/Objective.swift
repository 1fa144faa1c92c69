import Tensors

/// How far a prediction is from its target.
public enum LossKind: String, Sendable, Codable, CaseIterable {
    /// Mean absolute error; the paper's choice for less diverse, cleaner samples (SR3, p = 1).
    case l1
    /// Mean squared error (DDPM, eq. 14).
    case l2
}

/// How samples of different signal level weigh in the loss.
public enum LossWeighting: Sendable, Codable, Equatable {
    case none
    /// min(SNR, limit), with SNR = γ/(1−γ), expressed for the network's parameterisation.
    ///
    /// Source: Hang et al., "Efficient diffusion training via min-SNR weighting", 2023.
    case minSNR(limit: Double)

    /// The factor for a loss on what the network predicts, at signal level γ.
    public func factor(gamma: Double, parameterization: Parameterization) -> Double {
        switch self {
        case .none: return 1
        case .minSNR(let limit):
            let snr = gamma / max(1 - gamma, 1e-9)
            let clipped = min(snr, limit)
            switch parameterization {
            case .clean: return clipped
            case .noise: return clipped / max(snr, 1e-9)
            case .velocity: return clipped / (snr + 1)
            }
        }
    }
}

/// The training loss of the engine: noise a clean picture, ask the network, compare.
public struct Objective: Sendable {
    public var loss: LossKind
    public var parameterization: Parameterization
    public var weighting: LossWeighting

    public init(loss: LossKind, parameterization: Parameterization, weighting: LossWeighting = .none) {
        self.loss = loss
        self.parameterization = parameterization
        self.weighting = weighting
    }

    /// The signal levels of a batch, on its device, and what follows from them.
    public struct Levels: Sendable {
        /// γ, length N.
        public let values: Tensor
        /// What each sample's loss is multiplied by, length N; nil where all weigh the same.
        public let weights: Tensor?

        /// All there is, for those who keep it.
        public var tensors: [Tensor] { [values] + (weights.map { [$0] } ?? []) }
    }

    /// - Parameter gammas: one signal level per sample.
    public func levels(_ gammas: [Double], on device: Device) throws -> Levels {
        let weights: [Float]? =
            switch weighting {
            case .none: nil
            case .minSNR:
                gammas.map { Float(weighting.factor(gamma: $0, parameterization: parameterization)) }
            }
        return Levels(
            values: try Tensor(gammas.map(Float.init)).to(device),
            weights: try weights.map { try Tensor($0).to(device) })
    }

    /// The mean loss of a batch, a differentiable scalar.
    ///
    /// - Parameters:
    ///   - clean, noise: N×C×H×W; the clean target is already normalised to about unit range.
    ///   - levels: of ``levels(_:on:)``.
    ///   - denoiser: (x_t, levels of length N) → prediction.
    ///   - further: a loss on the estimate x̂₀, N×C×H×W, that is added.
    public func value(
        clean: Tensor, noise: Tensor, levels: Levels,
        denoiser: (_ noisy: Tensor, _ signalLevel: Tensor) throws -> Tensor,
        further: ((_ estimate: Tensor) throws -> Tensor)? = nil
    ) throws -> Tensor {
        let level = levels.values
        let noisy = try ForwardProcess.noisy(clean: clean, noise: noise, signalLevel: level)
        let target = try parameterization.target(clean: clean, noise: noise, level: level.perSample())
        let prediction = try denoiser(noisy, level)
        let loss = try value(prediction: prediction, target: target, weights: levels.weights)
        guard let further else { return loss }
        return try loss
            + further(parameterization.clean(prediction: prediction, noisy: noisy, level: level.perSample()))
    }

    private func value(prediction: Tensor, target: Tensor, weights: Tensor?) throws -> Tensor {
        if let weights {
            let error = try prediction - target
            let perSample = try (loss == .l1 ? error.magnitude() : error.squared()).mean([1, 2, 3])
            return try (perSample * weights).mean()
        }
        switch loss {
        case .l1: return try prediction.meanAbsoluteError(to: target)
        case .l2: return try prediction.meanSquaredError(to: target)
        }
    }
}
