import Deblur
import Diffusion
import Foundation

/// What a user's flags, the knob and the model's defaults come to: flags win over the knob, the
/// knob over the defaults.
struct DeblurChoice: CustomStringConvertible {
    let sampling: PredictAndRefine.Sampling
    let samples: Int
    /// Steps, sampler and largest noise.
    let method: String
    var description: String { samples > 1 ? "\(method) × \(samples) samples" : method }

    init(
        _ model: DeblurConfiguration, sampling: SamplingOptions, perception: Double?, steps: Int?,
        samples: Int?, maximumNoise: Double?
    ) throws {
        let knob = perception.map { model.perception.setting(at: $0) }
        // A schedule of the user's is taken whole unless --steps says otherwise.
        let knobSteps = sampling.schedule == nil ? knob?.steps : nil
        let settings = try sampling.merged(into: model.sampling, steps: steps ?? knobSteps)
        let noise = maximumNoise ?? knob?.maximumNoise ?? 1
        self.samples = samples ?? knob?.samples ?? 1
        self.sampling = .init(
            sampler: settings.sampler,
            levels: try NoiseSchedule(parsing: settings.schedule)
                .samplingLevels(settings.steps, maximumNoise: noise),
            temperature: settings.temperature)
        let from = noise < 1 ? String(format: " from noise %.2f", noise) : ""
        method = settings.method(samples: 1) + from
    }
}
