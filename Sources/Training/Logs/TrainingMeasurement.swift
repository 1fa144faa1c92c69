/// How a run goes at one step.
public struct TrainingMeasurement: Sendable {
    public var step: Int
    /// Pictures shown so far.
    public var samples: Int
    /// Of training so far, over all starts.
    public var seconds: Double
    public var loss: Double
    public var learningRate: Double
    /// Before clipping; nil where it was not read.
    public var gradientNorm: Double?
    public var samplesPerSecond: Double

    public init(
        step: Int, samples: Int, seconds: Double, loss: Double, learningRate: Double, gradientNorm: Double?,
        samplesPerSecond: Double
    ) {
        self.step = step
        self.samples = samples
        self.seconds = seconds
        self.loss = loss
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.samplesPerSecond = samplesPerSecond
    }

    /// By name; `train/` in front of a name is its tag in TensorBoard.
    var figures: [(name: String, value: Double)] {
        [("loss", loss), ("learning_rate", learningRate)]
            + (gradientNorm.map { [("gradient_norm", $0)] } ?? [])
            + [("samples_per_second", samplesPerSecond)]
    }
}
