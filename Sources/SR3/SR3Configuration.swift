import Diffusion

/// What an SR3 network is: stored with its weights and written in its recipe.
public struct SR3Configuration: Sendable, Codable, Equatable {
    /// What is diffused.
    public enum Target: Sendable, Codable, Equatable {
        /// The HR picture itself, as in the paper.
        case image
        /// (HR − upsampled LR)/scale, so that an untrained network already returns bicubic. The
        /// scale brings the small residual to about unit variance, for which the levels of
        /// the schedule are meant.
        case residual(scale: Double)
    }

    /// Enlargement the network was trained for.
    public var scale: Int
    public var target: Target
    public var parameterization: Parameterization
    /// The training schedule, for example `linear:1e-6:1e-2:2000`.
    public var schedule: String
    public var network: UNetConfiguration
    /// What `restore sr` does when it is not told otherwise.
    public var sampling: SamplingDefaults

    public init(
        scale: Int, target: Target, parameterization: Parameterization, schedule: String,
        network: UNetConfiguration, sampling: SamplingDefaults = .init()
    ) {
        self.scale = scale
        self.target = target
        self.parameterization = parameterization
        self.schedule = schedule
        self.network = network
        self.sampling = sampling
    }

    /// Reads what ``validate()`` accepts.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        scale = try values.decode(Int.self, forKey: .scale)
        target = try values.decode(Target.self, forKey: .target)
        parameterization = try values.decode(Parameterization.self, forKey: .parameterization)
        schedule = try values.decode(String.self, forKey: .schedule)
        network = try values.decode(UNetConfiguration.self, forKey: .network)
        sampling = try values.decode(SamplingDefaults.self, forKey: .sampling)
        try validate()
    }

    /// - Throws: ``NetworkError`` naming the setting that cannot be, or ``ScheduleError``.
    public func validate() throws {
        func check(_ condition: Bool, _ message: String) throws {
            if !condition { throw NetworkError(message) }
        }
        try check((2...8).contains(scale), "scale must be 2 to 8")
        try check(
            network.imageChannels == 3 && network.conditionChannels == 3,
            "an SR3 network takes a colour picture and a condition of 3 channels each")
        if case .residual(let scale) = target {
            try check(scale > 0 && scale <= 2, "the residual's scale must be above 0 and at most 2")
        }
        try network.validate()
        _ = try NoiseSchedule(parsing: schedule)
        let longest = try NoiseSchedule(parsing: sampling.schedule).stepCount
        try check((1...longest).contains(sampling.steps), "sampling.steps must be 1 to \(longest)")
        try check((0...1).contains(sampling.eta), "sampling.eta must be 0 to 1")
        try check((0...2).contains(sampling.variance), "sampling.variance must be 0 to 2")
        try check((0...1).contains(sampling.temperature), "sampling.temperature must be 0 to 1")
    }
}

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
}
