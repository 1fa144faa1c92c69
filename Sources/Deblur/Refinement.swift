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

        /// Of the first x. Below full noise it still holds √γ·x₀; the residual's mean, 0, stands for it.
        var initialDeviation: Double { temperature * (1 - (levels.first ?? 0)).squareRoot() }
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

    /// One sample of a picture of any size, tile by tile; see ``TiledSampler``.
    ///
    /// - Parameters:
    ///   - blurred, prediction: 1×3×H×W in [-1, 1], on the networks' device.
    ///   - noise: draw, region → N(0, 1), 1×3×h×w.
    ///   - progress: given (tiles done, tiles in all, over all steps).
    public func refined(
        blurred: Tensor, prediction: Tensor, sampling: Sampling, grid: TileGrid,
        noise: @escaping (_ draw: Int, _ region: PictureRegion) throws -> Tensor,
        progress: @escaping (Int, Int) -> Void = { _, _ in }, isCancelled: @escaping () -> Bool = { false }
    ) throws -> Tensor {
        try noGrad {
            let sampler = TiledSampler(
                grid: grid, parameterization: configuration.parameterization, device: blurred.device,
                denoiser: { noisy, gamma, region in
                    try self.denoiser(
                        noisy,
                        condition: self.condition(
                            blurred: blurred.part(region), prediction: prediction.part(region)),
                        signalLevel: Tensor.full([1], gamma, device: noisy.device))
                }, noise: noise, limit: { self.limit(prediction: try prediction.part($0)) },
                temperature: sampling.initialDeviation, progress: progress, isCancelled: isCancelled)
            let size = prediction.shape
            let picture = try sampler.sample(sampling.sampler, levels: sampling.levels, channels: size[1])
            for rows in RowBands(rows: 0..<size[2], width: size[3]) {
                let band = try picture.rows(rows)
                try band.copy(
                    from: self.picture(residual: band, prediction: prediction.rows(rows)).clamped(-1, 1))
            }
            return picture
        }
    }

    /// A residual by itself is in ±2; what is known is that the picture is in ±1.
    private func limit(prediction: Tensor) -> CleanLimit {
        CleanLimit { clean in
            try self.residual(
                sharp: self.picture(residual: clean, prediction: prediction).clamped(-1, 1),
                prediction: prediction)
        }
    }

    /// The same with any denoiser.
    func refined(
        prediction: Tensor, sampling: Sampling, noise: @escaping (_ draw: Int) throws -> Tensor,
        denoiser: Denoiser, progress: @escaping (Int, Int) -> Void = { _, _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Tensor {
        try noGrad {
            let context = SamplingContext(
                parameterization: configuration.parameterization, noise: noise,
                limit: limit(prediction: prediction), temperature: sampling.initialDeviation,
                progress: progress, isCancelled: isCancelled)
            let residual = try sampling.sampler.sample(denoiser, levels: sampling.levels, context: context)
            return try picture(residual: residual, prediction: prediction).clamped(-1, 1)
        }
    }
}
