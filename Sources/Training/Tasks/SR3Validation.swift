import Degradation
import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import SR3
import Tensors

/// Held-out pictures on which a run is judged while it goes on.
struct SR3Validation {
    struct Case {
        /// 1×3×H×W in [-1, 1].
        let hr: Tensor
        let lr: Tensor
        let condition: Tensor
    }

    let cases: [Case]
    /// Pictures that could not be used, each with the reason.
    let unusable: [String]

    /// Central crops of at most `side` pixels, made into LR as training does.
    init(
        paths: [String], scale: Int, multiple: Int, side: Int = 256,
        degradation: SecondOrderDegradation? = nil, seed: UInt64 = 0, device: Device
    ) throws {
        (cases, unusable) = try HeldOut.read(paths) { index, image in
            let step = scale * multiple
            let height = min(side, image.height) / step * step
            let width = min(side, image.width) / step * step
            guard height > 0, width > 0 else { return nil }
            let crop = try image.cropping(
                x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height)
            let hr = try crop.tensor()
            // Always the same for a picture, whatever the step.
            var random = CounterStream(seed: seed, stream: UInt64.max - UInt64(index))
            let lr =
                try degradation.map {
                    try SecondOrderDegradation.degraded(
                        hr, height: height / scale, width: width / scale,
                        draws: $0.draws(1, using: &random))
                } ?? hr.resized(height: height / scale, width: width / scale).quantized()
            let condition = try lr.resized(height: height, width: width)
            return try Case(hr: hr.to(device), lr: lr.to(device), condition: condition.to(device))
        }
    }

    /// Judges a model as it is. Columns: bicubic, the mean prediction (one step from no noise),
    /// and a sample.
    func run(_ model: SR3Model) throws -> ValidationResult {
        let defaults = model.configuration.sampling
        let schedule = try NoiseSchedule(parsing: defaults.schedule)
        let levels = try schedule.samplingLevels(defaults.steps)
        let terminal = try schedule.samplingLevels(1)
        var sums = (bicubic: 0.0, mean: 0.0, sample: 0.0)
        var rows: [Image] = []
        for (index, one) in cases.enumerated() {
            func picture(_ levels: [Double], _ temperature: Double) throws -> Tensor {
                let size = one.hr.shape
                let field = NoiseField(seed: 1, sample: index)
                let context = SamplingContext(
                    parameterization: model.configuration.parameterization,
                    noise: {
                        try field.tensor(step: $0, channels: size[1], height: size[2], width: size[3])
                            .to(one.hr.device)
                    }, limit: .symmetric(model.clampBound), temperature: temperature)
                let target = try defaults.sampler.sample(
                    { noisy, gamma in
                        let level = try Tensor.full([1], gamma, device: noisy.device)
                        return try model.prediction(
                            noisy: noisy, condition: one.condition, signalLevel: level)
                    }, levels: levels, context: context)
                return try model.picture(target: target, condition: one.condition).quantized()
            }
            let results = try noGrad {
                try [one.condition.quantized(), picture(terminal, 0), picture(levels, defaults.temperature)]
            }
            let error = try results.map { try ValidationResult.psnr($0, one.hr) }
            sums = (sums.bicubic + error[0], sums.mean + error[1], sums.sample + error[2])
            if index < 4 {
                rows.append(try Image.sideBySide((results + [one.hr]).map { try Image(tensor: $0) }, gap: 4))
            }
        }
        let count = Double(max(1, cases.count))
        return ValidationResult(
            figures: [
                ("bicubic", sums.bicubic / count), ("mean", sums.mean / count),
                ("sample", sums.sample / count),
            ], grid: try ValidationResult.stacked(rows))
    }
}
