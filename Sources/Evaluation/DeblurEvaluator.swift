import Deblur
import Diffusion
import Foundation
import Metrics
import Tensors
import Training

/// Measures deblurring on pairs of blurred and sharp pictures: outputs rounded to 8 bits, PSNR over
/// all colours, SSIM on luma, no border cropped unless pairs are aligned; the base lines are the
/// input, the deconvolution alone where the model has one, and the predictor alone.
public final class DeblurEvaluator: Evaluator {
    public let metrics: [EvaluationMetric]
    public let conditions: [String: String]

    private static let input = EvaluationPoint(baseline: "input", .input)
    private static let predictor = EvaluationPoint(baseline: "predictor", .predictor)
    private static let deconvolution = EvaluationPoint(baseline: "deconvolution", .deconvolution)
    public let baselines: [EvaluationPoint]

    private let restorer: DeblurRestorer
    private let seed: UInt64
    private let alignment: Int
    private let prediction: PredictionSettings
    private let kernels: KernelFolder?
    private let isCancelled: () -> Bool

    /// - Parameter alignment: captures and their sharp pictures can be displaced. Up to this many whole
    ///   pixels are searched for each row, since no method can tell a shift of the kernel from one
    ///   of the picture; as many pixels are left out at every border.
    /// - Parameter kernels: where the blur of each picture is known from, instead of looking for it.
    public init(
        _ model: DeblurModel, weights: EvaluationWeights, seed: UInt64, alignment: Int = 0,
        prediction: PredictionSettings = .init(), kernels: KernelFolder? = nil,
        precision: InferencePrecision = .float32,
        isCancelled: @escaping () -> Bool = { false }
    ) throws {
        restorer = try DeblurRestorer(model, precision: precision)
        let hasDeconvolution = model.configuration.deconvolution != nil
        baselines = [Self.input] + (hasDeconvolution ? [Self.deconvolution] : []) + [Self.predictor]
        metrics =
            [
                .psnr(.rgb, border: 0, outside: alignment), .gain, .ssim(border: 0, outside: alignment),
            ] + weights.metrics(border: 0) + [.colourShift]
        self.seed = seed
        self.alignment = alignment
        self.prediction = prediction
        self.kernels = kernels
        self.isCancelled = isCancelled
        var conditions = ["seed": "\(seed)", "alignment": "\(alignment)"]
        if prediction.selfEnsemble > 1 {
            conditions["selfEnsemble"] = "\(prediction.selfEnsemble)"
        } else {
            conditions["posesOfSamples"] = "\(DeblurRestorer.posesOfSamples)"
        }
        if hasDeconvolution {
            switch prediction.blur {
            case .ways(let count): conditions["blurEstimates"] = "\(count)"
            case .kernel: conditions["blurEstimates"] = "given"
            }
            conditions["lightExponent"] = prediction.curve.map { "\($0.exponent)" } ?? "chosen"
        }
        if let kernels { conditions["blurEstimates"] = "kernels, SHA-256 \(kernels.digest)" }
        self.conditions = conditions.merging(precision.conditions) { $1 }
    }

    public func subject(_ pair: EvaluationPair) throws -> EvaluationSubject {
        let subject = try EvaluationSubject(pair, alignment: alignment)
        let (input, reference) = (subject.input.shape, subject.reference.shape)
        guard input[2] == reference[2] + 2 * alignment, input[3] == reference[3] + 2 * alignment else {
            throw DataError("'\(pair.input)' and '\(pair.original)' differ in size")
        }
        return subject
    }

    public func baseline(_ point: EvaluationPoint, of subject: EvaluationSubject) throws -> Timed<Tensor> {
        switch point {
        case Self.predictor:
            let first = try first(of: subject)
            return try Timed(made: first.made.picture(), seconds: first.seconds)
        case Self.deconvolution: return try deconvolved(subject)
        default: return Timed(made: subject.input, seconds: 0)
        }
    }

    private func deconvolved(_ subject: EvaluationSubject) throws -> Timed<Tensor> {
        let settings = try settings(for: subject)
        return try Timed.measuring {
            try restorer.deconvolved(subject.input, settings: settings, isCancelled: isCancelled)
        }
    }

    private func settings(for subject: EvaluationSubject) throws -> PredictionSettings {
        var settings = prediction
        if let kernels { settings.blur = try .kernel(kernels.kernel(of: subject.pair)) }
        return settings
    }

    private func first(of subject: EvaluationSubject) throws -> Timed<DeblurRestorer.FirstPicture> {
        if let known = subject.first { return known }
        let settings = try settings(for: subject)
        let made = try Timed.measuring {
            try restorer.firstPicture(of: subject.input, settings: settings, isCancelled: isCancelled)
        }
        subject.first = made
        return made
    }

    public func draw(
        _ method: EvaluationMethod, of subject: EvaluationSubject,
        mean: (_ count: Int, Timed<Tensor>) throws -> Void
    ) throws {
        let first = try first(of: subject)
        // Samples come pose by pose, while means are of those with the lowest numbers: each is made by itself, so that no sample is held.
        var means = method.samples.map {
            (count: $0, statistics: SampleStatistics(), seconds: first.seconds)
        }
        var start = DispatchTime.now()
        _ = try restorer.restored(
            subject.input, first: first.made,
            options: .init(
                sampling: .init(
                    sampler: method.sampling.sampler, levels: method.levels(),
                    temperature: method.sampling.temperature),
                samples: method.samples.last ?? 1, seed: seed,
                sampleDone: { index, sample in
                    let seconds = start.secondsAgo
                    for place in means.indices where index < means[place].count {
                        try means[place].statistics.add(sample)
                        means[place].seconds += seconds
                    }
                    start = .now()
                }, isCancelled: isCancelled))
        for (count, statistics, seconds) in means {
            if let middle = statistics.mean { try mean(count, Timed(made: middle, seconds: seconds)) }
        }
    }
}
