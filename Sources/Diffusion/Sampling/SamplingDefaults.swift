/// Default settings for sampling, stored with a model.
public struct SamplingDefaults: Sendable, Codable, Equatable {
    public enum Method: String, Sendable, Codable, CaseIterable { case ddpm, ddim, dpm }

    public var method: Method
    public var steps: Int
    /// η of DDIM.
    public var eta: Double
    /// σ² of ancestral sampling, 0…2; see ``ancestralSample(_:levels:variance:context:)``.
    public var variance: Double
    /// Standard deviation of the initial noise, 0…1.
    public var temperature: Double
    /// Inference schedule.
    public var schedule: String

    public init(
        method: Method = .ddim, steps: Int = 4, eta: Double = 0, variance: Double = 1,
        temperature: Double = 1,
        schedule: String = "linear:1e-6:1e-2:2000"
    ) {
        self.method = method
        self.steps = steps
        self.eta = eta
        self.variance = variance
        self.temperature = temperature
        self.schedule = schedule
    }

    /// The engine's sampler for these settings.
    public var sampler: Sampler {
        switch method {
        case .ddpm: .ddpm(variance: variance)
        case .ddim: .ddim(eta: eta)
        case .dpm: .dpmSolver
        }
    }

    /// - Throws: ``NetworkError`` naming the setting that is out of range, or ``ScheduleError``.
    public func validate() throws {
        func check(_ condition: Bool, _ message: String) throws {
            if !condition { throw NetworkError(message) }
        }
        let longest = try NoiseSchedule(parsing: schedule).stepCount
        try check((1...longest).contains(steps), "sampling.steps must be 1 to \(longest)")
        try check((0...1).contains(eta), "sampling.eta must be 0 to 1")
        try check((0...2).contains(variance), "sampling.variance must be 0 to 2")
        try check((0...1).contains(temperature), "sampling.temperature must be 0 to 1")
    }
}
