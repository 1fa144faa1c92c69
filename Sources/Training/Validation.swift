import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import SR3
import Tensors

/// Held-out pictures on which a run is judged while it goes on.
struct Validation {
    struct Case {
        /// 1×3×H×W in [-1, 1].
        let hr: Tensor
        let lr: Tensor
        let condition: Tensor
    }

    let cases: [Case]

    /// Central crops of at most `side` pixels, made into LR as training does.
    init(paths: [String], scale: Int, multiple: Int, side: Int = 256, device: Device) throws {
        cases = try paths.map { path in
            let image = try Image.read(from: path).converted(bitDepth: 8).droppingAlpha().rgb()
            let step = scale * multiple
            let height = max(step, min(side, image.height) / step * step)
            let width = max(step, min(side, image.width) / step * step)
            guard height <= image.height, width <= image.width else {
                throw DataError("'\(path)' is too small to validate on")
            }
            let crop = try image.cropping(
                x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height)
            let hr = try crop.tensor()
            let lr = try hr.resized(height: height / scale, width: width / scale).quantized()
            let condition = try lr.resized(height: height, width: width)
            return try Case(hr: hr.to(device), lr: lr.to(device), condition: condition.to(device))
        }
    }

    struct Result {
        /// Mean RGB PSNR in dB of: bicubic, the mean prediction (one step from no noise), and samples.
        var bicubic: Double
        var mean: Double
        var sample: Double
        /// Rows of bicubic | mean prediction | sample | original.
        var grid: Image
    }

    /// Judges a model as it is.
    func run(_ model: SR3Model) throws -> Result {
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
                    }, clampBound: model.clampBound, temperature: temperature)
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
            let error = try results.map {
                try 20 * log10(2 / $0.meanSquaredError(to: one.hr).item().squareRoot())
            }
            sums = (sums.bicubic + error[0], sums.mean + error[1], sums.sample + error[2])
            if index < 4 {
                rows.append(try Image.sideBySide((results + [one.hr]).map { try Image(tensor: $0) }, gap: 4))
            }
        }
        let count = Double(max(1, cases.count))
        return Result(
            bicubic: sums.bicubic / count, mean: sums.mean / count, sample: sums.sample / count,
            grid: try Self.stacked(rows, gap: 4))
    }

    /// Pictures below each other, left-aligned, on black.
    private static func stacked(_ rows: [Image], gap: Int) throws -> Image {
        let width = rows.map(\.width).max() ?? 1
        var samples: [UInt16] = []
        for row in rows {
            for y in 0..<row.height {
                samples += row.samples[(y * row.width * 3)..<((y + 1) * row.width * 3)]
                samples += [UInt16](repeating: 0, count: (width - row.width) * 3)
            }
            samples += [UInt16](repeating: 0, count: width * gap * 3)
        }
        return try Image(
            width: width, height: max(1, samples.count / (width * 3)), channels: 3, bitDepth: 8,
            samples: samples.isEmpty ? [0, 0, 0] : samples)
    }
}
