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
    let photos: PhotoCollection
    private let validation: SR3Validation
    private let schedule: NoiseSchedule
    private let objective: Objective
    private let perceptual: PerceptualLoss?
    private let patch: Int
    /// LR pixels on every side that are degraded and then cut away.
    private let margin: Int
    private let shrink: Resampler
    private let enlarge: Resampler

    init(
        _ recipe: Recipe, _ model: SR3Model, _ degradation: SecondOrderDegradation?,
        perceptual: PerceptualLoss? = nil, training: [String], validation: [String]
    ) throws {
        self.model = model
        self.perceptual = perceptual
        self.degradation = degradation
        let (configuration, device) = (model.configuration, model.device)
        patch = recipe.data.patchSize
        margin = degradation == nil ? 0 : Self.margin
        photos = try PhotoCollection(
            paths: training, minimum: patch + 2 * margin * configuration.scale, device: device,
            memory: recipe.data.memory)
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

    func batch(_ shard: BatchShard, using random: inout CounterStream) throws -> TrainingBatch {
        let scale = model.configuration.scale
        let count = shard.batchSize
        let side = patch + 2 * margin * scale
        let crops = (0..<count).map { _ in photos.crop(size: side, using: &random) }
        let gammas = (0..<count).map { _ in schedule.trainingLevel(random.uniform(), random.uniform()) }
        let draws = degradation?.draws(count, using: &random)
        let offset = (row: offset(&random), column: offset(&random))
        let seed = random.next()
        let levels = try objective.levels(Array(gammas[shard.range]), on: model.device)
        return try noGrad {
            let around = try photos.batch(Array(crops[shard.range]), size: side).to(.float32) / 127.5 - 1
            var (hr, lr): (Tensor, Tensor)
            if let draws {
                let small = patch / scale
                lr = try SecondOrderDegradation.degraded(
                    around, height: side / scale, width: side / scale, draws: Array(draws[shard.range])
                ).narrowed(2, start: offset.row, count: small)
                    .narrowed(3, start: offset.column, count: small)
                hr = try around.narrowed(2, start: offset.row * scale, count: patch)
                    .narrowed(3, start: offset.column * scale, count: patch).channelsLast()
            } else {
                (hr, lr) = (around, try shrink(around).quantized())
            }
            let condition = try enlarge(lr).channelsLast()
            let noise = try NoiseSource.normal(like: hr, range: shard.range, of: count, seed: seed)
            let comparison = try perceptual?.comparison(
                with: hr, levels: levels.values, using: &random)
            return TrainingBatch(
                inputs: [hr, condition, noise] + levels.tensors + (comparison?.tensors ?? [])
            ) { [model, objective] in
                try model.loss(
                    objective, hr: hr, condition: condition, noise: noise, levels: levels,
                    further: comparison?.loss)
            }
        }
    }

    /// How many LR pixels of the margin are cut away before the crop.
    private func offset(_ random: inout CounterStream) -> Int {
        margin == 0 ? 0 : Int(random.uniform() * Double(2 * margin + 1))
    }

    func validate() throws -> ValidationResult? {
        validation.cases.isEmpty ? nil : try validation.run(model)
    }

    var unusable: [String] { validation.unusable }

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
