import Diffusion
import Tensors

extension PredictAndRefine {
    /// How one sample is drawn.
    public struct Sampling {
        public var sampler: Sampler
        /// Signal levels rising to 1; see ``NoiseSchedule/samplingLevels(_:maximumNoise:)``.
        public var levels: [Double]
        /// Standard deviation of the initial noise relative to the level's own.
        public var temperature: Double

        public init(sampler: Sampler, levels: [Double], temperature: Double = 1) {
            self.sampler = sampler
            self.levels = levels
            self.temperature = temperature
        }
    }

    /// One sample, or a batch of them: prediction + scale · residual, in [-1, 1].
    ///
    /// - Parameters:
    ///   - blurred, prediction: 1×3×H×W or N×3×H×W in [-1, 1].
    ///   - noise: draw → N(0, 1), N×3×H×W: a sample for each row.
    ///   - progress: given (steps done, steps in all).
    public func refined(
        blurred: Tensor, prediction: Tensor, sampling: Sampling,
        noise: @escaping (_ draw: Int) throws -> Tensor, progress: @escaping (Int, Int) -> Void = { _, _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Tensor {
        let condition = try noGrad { try self.condition(blurred: blurred, prediction: prediction) }
        return try refined(
            prediction: prediction, sampling: sampling, noise: noise,
            denoiser: { noisy, gamma in
                let level = try Tensor.full([1], gamma, device: noisy.device)
                let count = noisy.shape[0]
                let seen =
                    condition.shape[0] == count
                    ? condition : try condition.expanded([count] + condition.shape.dropFirst())
                return try self.denoiser(noisy, condition: seen, signalLevel: level)
            }, progress: progress, isCancelled: isCancelled)
    }

    /// The same with any denoiser.
    func refined(
        prediction: Tensor, sampling: Sampling, noise: @escaping (_ draw: Int) throws -> Tensor,
        denoiser: Denoiser, progress: @escaping (Int, Int) -> Void = { _, _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Tensor {
        try noGrad {
            // A residual by itself is in ±2; what is known is that the picture is in ±1.
            let limit = CleanLimit { clean in
                try self.residual(
                    sharp: self.picture(residual: clean, prediction: prediction).clamped(-1, 1),
                    prediction: prediction)
            }
            // Below full noise the first x still holds √γ·x₀; the residual's mean, 0, stands for it.
            let start = 1 - (sampling.levels.first ?? 0)
            let context = SamplingContext(
                parameterization: configuration.parameterization, noise: noise, limit: limit,
                temperature: sampling.temperature * start.squareRoot(), progress: progress,
                isCancelled: isCancelled)
            let residual = try sampling.sampler.sample(denoiser, levels: sampling.levels, context: context)
            return try picture(residual: residual, prediction: prediction).clamped(-1, 1)
        }
    }
}
