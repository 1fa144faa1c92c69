import Diffusion

/// What a predict-and-refine deblurrer is: stored with its weights and written in its recipe.
public struct DeblurConfiguration: Sendable, Codable, Equatable {
    /// The network that makes a first sharp picture in one pass.
    public var predictor: UNetConfiguration
    /// The network that diffuses the residual.
    public var denoiser: UNetConfiguration
    /// How the blur is found out and taken out before the predictor looks; nil to leave all to the networks.
    public var deconvolution: Deconvolution?
    /// The residual sharp − prediction is divided by this before it is diffused, which brings it
    /// to about the unit variance for which the levels of the schedule are meant.
    public var residualScale: Double
    /// Whether the denoiser sees the prediction besides the blurred picture.
    public var conditionsOnPrediction: Bool
    public var parameterization: Parameterization
    /// The training schedule, for example `linear:1e-6:1e-2:2000`.
    public var schedule: String
    /// What `restore deblur` does when it is not told otherwise.
    public var sampling: SamplingDefaults
    /// Settings along the perception-distortion curve, as measured; see ``PerceptionScale``.
    public var perception: PerceptionScale

    public init(
        predictor: UNetConfiguration, denoiser: UNetConfiguration, residualScale: Double,
        deconvolution: Deconvolution? = nil, conditionsOnPrediction: Bool = false,
        parameterization: Parameterization = .velocity,
        schedule: String = "linear:1e-6:1e-2:2000", sampling: SamplingDefaults = .init(),
        perception: PerceptionScale = .init()
    ) {
        self.predictor = predictor
        self.denoiser = denoiser
        self.deconvolution = deconvolution
        self.residualScale = residualScale
        self.conditionsOnPrediction = conditionsOnPrediction
        self.parameterization = parameterization
        self.schedule = schedule
        self.sampling = sampling
        self.perception = perception
    }

    /// Reads what ``validate()`` accepts. A recipe names only what it changes, and the two
    /// networks' channels follow from the task.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        conditionsOnPrediction =
            try values.decodeIfPresent(Bool.self, forKey: .conditionsOnPrediction) ?? false
        predictor = try values.decode(UNetConfiguration.self, forKey: .predictor)
        predictor.conditionChannels = 0
        deconvolution = try values.decodeIfPresent(Deconvolution.self, forKey: .deconvolution)
        predictor.imageChannels = deconvolution == nil ? 3 : 6
        denoiser = try values.decode(UNetConfiguration.self, forKey: .denoiser)
        denoiser.conditionChannels = conditionsOnPrediction ? 6 : 3
        residualScale = try values.decode(Double.self, forKey: .residualScale)
        parameterization = try values.decode(Parameterization.self, forKey: .parameterization)
        schedule = try values.decode(String.self, forKey: .schedule)
        sampling = try values.decode(SamplingDefaults.self, forKey: .sampling)
        perception = try values.decodeIfPresent(PerceptionScale.self, forKey: .perception) ?? .init()
        try validate()
    }

    /// - Throws: ``NetworkError`` naming the setting that cannot be, or ``ScheduleError``.
    public func validate() throws {
        func check(_ condition: Bool, _ message: String) throws {
            if !condition { throw NetworkError(message) }
        }
        try check(
            predictor.imageChannels == (deconvolution == nil ? 3 : 6) && predictor.conditionChannels == 0,
            "a predictor takes a colour picture of 3 channels, or 6 with the deconvolved one, and no condition"
        )
        try deconvolution?.validate()
        try check(
            denoiser.imageChannels == 3
                && denoiser.conditionChannels == (conditionsOnPrediction ? 6 : 3),
            "a denoiser takes a residual of 3 channels, and a condition of 3, or 6 with the prediction")
        try check(
            residualScale > 0 && residualScale <= 2, "residualScale must be above 0 and at most 2")
        try predictor.validate()
        try denoiser.validate()
        _ = try NoiseSchedule(parsing: schedule)
        try sampling.validate()
        let longest = try NoiseSchedule(parsing: sampling.schedule).stepCount
        try perception.validate(longest: longest)
    }

    /// Height and width are padded to a multiple of this.
    public var multiple: Int { max(predictor.multiple, denoiser.multiple) }
}
