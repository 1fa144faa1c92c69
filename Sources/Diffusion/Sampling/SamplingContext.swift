import Tensors

/// A network made ready for one picture: x_t at signal level γ → prediction.
public typealias Denoiser = (_ noisy: Tensor, _ gamma: Double) throws -> Tensor

/// What every sampler is given besides its levels.
public struct SamplingContext {
    /// What the denoiser predicts.
    public var parameterization: Parameterization
    /// Standard normal noise of the picture's shape: draw 0 starts, draw i ≥ 1 is for step i.
    public var noise: (_ draw: Int) throws -> Tensor
    /// Brings x̂₀ into its range, with ε̂ recomputed; nil for no limit.
    public var limit: CleanLimit?
    /// Standard deviation of the initial noise relative to the prior's. 1 samples the model's
    /// distribution, 0 starts from its mean: less variety, less noise.
    public var temperature: Double
    /// Called before each step with (steps done, steps in all).
    public var progress: (Int, Int) -> Void
    /// Asked before each step; when true, sampling throws `CancellationError`.
    public var isCancelled: () -> Bool

    public init(
        parameterization: Parameterization, noise: @escaping (Int) throws -> Tensor,
        limit: CleanLimit? = nil,
        temperature: Double = 1, progress: @escaping (Int, Int) -> Void = { _, _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) {
        self.parameterization = parameterization
        self.noise = noise
        self.limit = limit
        self.temperature = temperature
        self.progress = progress
        self.isCancelled = isCancelled
    }

    /// The first x: noise at the level sampling starts from.
    func initial() throws -> Tensor {
        let noise = try noise(0)
        return temperature == 1 ? noise : try noise * temperature
    }

    /// One look of the network at x, clamped as asked.
    func estimate(_ denoiser: Denoiser, _ x: Tensor, _ gamma: Double) throws -> Estimate {
        let estimate = try parameterization.estimate(prediction: denoiser(x, gamma), noisy: x, gamma: gamma)
        guard let limit else { return estimate }
        return try estimate.limited(to: limit, noisy: x, gamma: gamma)
    }

    /// Runs `step` for each neighbouring pair of levels (γ_t, γ_s), γ_s the cleaner one.
    ///
    /// - Throws: ``SamplingError`` unless the levels rise strictly from above 0 to 1.
    func walk(
        _ levels: [Double],
        _ step: (_ x: Tensor, _ gamma: Double, _ next: Double, _ draw: Int) throws -> Tensor
    ) throws -> Tensor {
        guard levels.count >= 2, let first = levels.first, first > 0, levels.last == 1,
            zip(levels, levels.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw SamplingError("signal levels must rise strictly from above 0 to 1") }
        return try noGrad {
            var x = try initial()
            for index in 0..<(levels.count - 1) {
                if isCancelled() { throw CancellationError() }
                progress(index, levels.count - 1)
                x = try step(x, levels[index], levels[index + 1], index + 1)
            }
            progress(levels.count - 1, levels.count - 1)
            return x
        }
    }
}

/// Why sampling cannot start.
public struct SamplingError: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
