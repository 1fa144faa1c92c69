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
        try parameterization.estimate(
            prediction: denoiser(x, gamma), noisy: x, gamma: gamma, limit: limit)
    }

    /// Runs `step` for each neighbouring pair of levels (γ_t, γ_s), γ_s the cleaner one.
    ///
    /// - Throws: ``SamplingError`` unless the levels rise strictly from above 0 to 1.
    func walk(_ denoiser: Denoiser, _ levels: [Double], _ step: (SamplingStep) throws -> Tensor) throws
        -> Tensor
    {
        try SamplingError.check(levels)
        return try noGrad {
            var x = try initial()
            var previous: SamplingStep.Previous?
            for index in 0..<(levels.count - 1) {
                if isCancelled() { throw CancellationError() }
                progress(index, levels.count - 1)
                let gamma = levels[index]
                let estimate = try estimate(denoiser, x, gamma)
                x = try step(
                    SamplingStep(
                        noisy: x, estimate: estimate, gamma: gamma, next: levels[index + 1],
                        previous: previous,
                        noise: { try noise(index + 1) }))
                previous = .init(clean: estimate.clean, gamma: gamma)
            }
            progress(levels.count - 1, levels.count - 1)
            return x
        }
    }
}

/// What a sampler knows when it goes from one signal level to the next. All of it is pixel by pixel, so
/// the tensors may be a whole picture or any part of it.
public struct SamplingStep {
    /// x_t
    public var noisy: Tensor
    /// x̂₀ and ε̂ at γ_t, limited as asked.
    public var estimate: Estimate
    /// γ_t
    public var gamma: Double
    /// γ_s, the cleaner level; 1 in the last step.
    public var next: Double
    /// The step before, for solvers of higher order; nil in the first.
    public var previous: Previous?
    /// Fresh standard normal noise of the tensors' shape.
    public var noise: () throws -> Tensor

    public struct Previous {
        /// x̂₀
        public var clean: Tensor
        public var gamma: Double
    }
}

/// Why sampling cannot start.
public struct SamplingError: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ description: String) { self.description = description }

    /// - Throws: unless the levels rise strictly from above 0 to 1.
    static func check(_ levels: [Double]) throws {
        guard levels.count >= 2, let first = levels.first, first > 0, levels.last == 1,
            zip(levels, levels.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw SamplingError("signal levels must rise strictly from above 0 to 1") }
    }
}
