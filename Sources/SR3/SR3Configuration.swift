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
    /// Whether a result is brought into agreement with its input when nothing else is asked for;
    /// nil for yes. An input with noise or JPEG's marks is better not agreed with.
    public var consistency: Bool?

    public init(
        scale: Int, target: Target, parameterization: Parameterization, schedule: String,
        network: UNetConfiguration, sampling: SamplingDefaults = .init(), consistency: Bool? = nil
    ) {
        self.scale = scale
        self.target = target
        self.parameterization = parameterization
        self.schedule = schedule
        self.network = network
        self.sampling = sampling
        self.consistency = consistency
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
        consistency = try values.decodeIfPresent(Bool.self, forKey: .consistency)
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
        try sampling.validate()
    }
}
