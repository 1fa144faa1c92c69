import Diffusion
import ImageTensors
import Metrics
import SR3
import Tensors
import Training

/// Measures super-resolution on LR/HR pairs as benchmarks do: outputs rounded to 8 bits, PSNR and
/// SSIM on luma with a border of the model's scale cropped; bicubic is the base line.
public final class SREvaluator: Evaluator {
    public let metrics: [EvaluationMetric]
    public let baselines = [EvaluationPoint(baseline: "bicubic", .input)]
    public let conditions: [String: String]

    private let restorer: SR3Restorer
    private let seed: UInt64
    private let consistency: Bool
    private let isCancelled: () -> Bool

    public init(
        _ model: SR3Model, weights: EvaluationWeights, seed: UInt64, consistency: Bool,
        precision: InferencePrecision = .float32, isCancelled: @escaping () -> Bool = { false }
    ) throws {
        restorer = try SR3Restorer(model, precision: precision)
        let border = model.configuration.scale
        metrics =
            [.psnr(.luma, border: border), .ssim(border: border)] + weights.metrics(border: border)
            + [.consistency, .colourShift]
        self.seed = seed
        self.consistency = consistency
        self.isCancelled = isCancelled
        conditions = ["seed": "\(seed)", "consistency": consistency ? "yes" : "no"]
            .merging(precision.conditions) { $1 }
    }

    public func subject(_ pair: EvaluationPair) throws -> EvaluationSubject {
        let subject = try EvaluationSubject(pair)
        let (small, large) = (subject.input.shape, subject.reference.shape)
        guard large[2] > small[2], large[3] > small[3] else {
            throw DataError("'\(pair.original)' is not larger than '\(pair.input)'")
        }
        return subject
    }

    public func baseline(_ point: EvaluationPoint, of subject: EvaluationSubject) throws -> Timed<Tensor> {
        let size = subject.reference.shape
        return try .measuring { try subject.input.resized(height: size[2], width: size[3]) }
    }

    public func draw(
        _ method: EvaluationMethod, of subject: EvaluationSubject,
        mean: (_ count: Int, Timed<Tensor>) throws -> Void
    ) throws {
        let size = subject.reference.shape
        var options = SR3Restorer.Options(
            scale: Double(restorer.model.configuration.scale), sampler: method.sampling.sampler,
            levels: try method.levels(), temperature: method.sampling.temperature, seed: seed,
            // A mean is made consistent as a whole, as the restorer does.
            consistency: false, isCancelled: isCancelled)
        var statistics = SampleStatistics()
        var seconds = 0.0
        for index in 0..<(method.samples.last ?? 0) {
            options.firstSample = index
            let sample = try Timed.measuring {
                try restorer.restored(subject.input, height: size[2], width: size[3], options: options)
            }
            seconds += sample.seconds
            try statistics.add(sample.made)
            guard method.samples.contains(index + 1), let middle = statistics.mean else { continue }
            let output = try Timed.measuring {
                try consistency ? SR3Restorer.consistent(middle, with: subject.input) : middle
            }
            try mean(index + 1, Timed(made: output.made, seconds: seconds + output.seconds))
        }
    }
}
