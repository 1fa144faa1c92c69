import Degradation
import Diffusion
import ImageTensors
import SR3
import Tensors

/// Training of super-resolution: HR crops, made small by bicubic or by what happens to real pictures,
/// and large again by bicubic.
final class SR3Training: TrainingTask {
    private let model: SR3Model
    private let degradation: SecondOrderDegradation?
    private let photos: PhotoCollection
    private let validation: SR3Validation
    private let schedule: NoiseSchedule
    private let objective: Objective
    private let patch: Int
    /// LR pixels on every side that are degraded and then cut away.
    private let margin: Int
    private let shrink: Resampler
    private let enlarge: Resampler

    init(
        _ recipe: Recipe, _ model: SR3Model, _ degradation: SecondOrderDegradation?, training: [String],
        validation: [String]
    ) throws {
        self.model = model
        self.degradation = degradation
        let (configuration, device) = (model.configuration, model.device)
        patch = recipe.data.patchSize
        margin = degradation == nil ? 0 : Self.margin
        photos = try PhotoCollection(
            paths: training, minimum: patch + 2 * margin * configuration.scale, device: device)
        self.validation = try SR3Validation(
            paths: validation, scale: configuration.scale, multiple: configuration.network.multiple,
            degradation: degradation, seed: recipe.seed, device: device)
        schedule = try NoiseSchedule(parsing: configuration.schedule)
        objective = recipe.objective.objective(configuration.parameterization)
        let small = patch / configuration.scale
        shrink = try Resampler(
            inputHeight: patch, inputWidth: patch, outputHeight: small, outputWidth: small, device: device)
        enlarge = try Resampler(
            inputHeight: small, inputWidth: small, outputHeight: patch, outputWidth: patch, device: device)
    }

    /// As much as a JPEG block: a crop may then begin anywhere in one.
    private static let margin = 4

    func loss(batchSize: Int, using random: inout CounterStream) throws -> Tensor {
        let crops = try photos.batch(
            batchSize, size: patch + 2 * margin * model.configuration.scale, using: &random)
        let gammas = (0..<batchSize).map { _ in schedule.trainingLevel(random.uniform(), random.uniform()) }
        let around = try crops.to(.float32) / 127.5 - 1
        let (hr, lr) = try noGrad { try pair(around, &random) }
        let condition = try noGrad { try enlarge(lr).channelsLast() }
        let noise = try NoiseSource.normal(like: hr, seed: random.next())
        return try model.loss(objective, hr: hr, condition: condition, noise: noise, gammas: gammas)
    }

    /// HR crops without their margins, and LR crops of the same places.
    private func pair(_ around: Tensor, _ random: inout CounterStream) throws -> (hr: Tensor, lr: Tensor) {
        guard let degradation else { return (around, try shrink(around).quantized()) }
        let scale = model.configuration.scale
        let side = patch / scale
        let small = try SecondOrderDegradation.degraded(
            around, height: side + 2 * margin, width: side + 2 * margin,
            draws: degradation.draws(around.shape[0], using: &random), seed: random.next())
        let (row, column) = (
            Int(random.uniform() * Double(2 * margin + 1)), Int(random.uniform() * Double(2 * margin + 1))
        )
        func cut(_ x: Tensor, _ factor: Int) throws -> Tensor {
            try x.narrowed(2, start: row * factor, count: side * factor)
                .narrowed(3, start: column * factor, count: side * factor)
        }
        return (try cut(around, scale).channelsLast(), try cut(small, 1))
    }

    func validate() throws -> ValidationResult? {
        validation.cases.isEmpty ? nil : try validation.run(model)
    }

    func save(_ weights: [(name: String, value: Tensor)], metadata: [String: String], to path: String) throws
    {
        try SR3Model.save(weights, configuration: model.configuration, metadata: metadata, to: path)
    }
}

extension Recipe.ObjectiveSettings {
    /// The engine's objective for these settings.
    func objective(_ parameterization: Parameterization) -> Objective {
        Objective(
            loss: loss, parameterization: parameterization,
            weighting: minSNR.map { .minSNR(limit: $0) } ?? .none)
    }
}
