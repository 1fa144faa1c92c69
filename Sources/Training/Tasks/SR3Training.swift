import Diffusion
import ImageTensors
import SR3
import Tensors

/// Training of super-resolution: HR crops, made small and large again by bicubic.
final class SR3Training: TrainingTask {
    private let model: SR3Model
    private let photos: PhotoCollection
    private let validation: SR3Validation
    private let schedule: NoiseSchedule
    private let objective: Objective
    private let patch: Int
    private let shrink: Resampler
    private let enlarge: Resampler

    init(_ recipe: Recipe, _ model: SR3Model, training: [String], validation: [String]) throws {
        self.model = model
        let (configuration, device) = (model.configuration, model.device)
        patch = recipe.data.patchSize
        photos = try PhotoCollection(paths: training, minimum: patch)
        self.validation = try SR3Validation(
            paths: validation, scale: configuration.scale, multiple: configuration.network.multiple,
            device: device)
        schedule = try NoiseSchedule(parsing: configuration.schedule)
        objective = recipe.objective.objective(configuration.parameterization)
        let small = patch / configuration.scale
        shrink = try Resampler(
            inputHeight: patch, inputWidth: patch, outputHeight: small, outputWidth: small, device: device)
        enlarge = try Resampler(
            inputHeight: small, inputWidth: small, outputHeight: patch, outputWidth: patch, device: device)
    }

    func loss(batchSize: Int, using random: inout CounterStream) throws -> Tensor {
        let batch = try photos.batch(batchSize, size: patch, using: &random)
        let gammas = (0..<batchSize).map { _ in schedule.trainingLevel(random.uniform(), random.uniform()) }
        let hr = try batch.to(model.device).to(.float32) / 127.5 - 1
        let condition = try noGrad { try enlarge(shrink(hr).quantized()).channelsLast() }
        let noise = try NoiseSource.normal(like: hr, seed: random.next())
        return try model.loss(objective, hr: hr, condition: condition, noise: noise, gammas: gammas)
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
