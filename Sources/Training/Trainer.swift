import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import Logging
import SR3
import Tensors

/// One training run of a recipe, in one folder: checkpoint, EMA weights, log, pictures.
public final class Trainer {
    public struct Options: Sendable {
        public var data: [String]
        public var output: String
        /// Folders with data-set manifests.
        public var manifests: [String]
        public var device: Device
        public var resume: Bool

        public init(data: [String], output: String, manifests: [String], device: Device, resume: Bool) {
            self.data = data
            self.output = output
            self.manifests = manifests
            self.device = device
            self.resume = resume
        }
    }

    /// What a run says now and then.
    public struct Progress: Sendable {
        public var step: Int
        public var samples: Int
        public var loss: Double
        public var samplesPerSecond: Double
        public var secondsLeft: Double
    }

    public let recipe: Recipe
    private let recipeText: String
    private let options: Options
    private let logger: Logger

    /// - Parameter recipeText: the file as it was read; it is kept with the weights.
    public init(recipe: Recipe, recipeText: String, options: Options, logger: Logger) {
        self.recipe = recipe
        self.recipeText = recipeText
        self.options = options
        self.logger = logger
    }

    /// What a run would use, without starting it.
    public struct Plan: Sendable {
        public var training: Int
        public var validation: Int
        public var parameters: Int
    }

    /// Checks everything a run needs, touching nothing.
    public func plan() throws -> Plan {
        let files = try split()
        let model = try SR3Model(recipe.model, seed: recipe.seed)
        return Plan(
            training: files.training.count, validation: files.validation.count,
            parameters: model.network.parameterCount)
    }

    private func split() throws -> (training: [String], validation: [String]) {
        let paths = try TrainingFiles.paths(
            sets: recipe.data.sets, roots: options.data, manifests: options.manifests)
        let count = min(recipe.data.validationCount, paths.count - 1)
        guard count > 0 else { return (paths, []) }
        let chosen = Set((0..<count).map { $0 * paths.count / count })
        return (
            paths.indices.filter { !chosen.contains($0) }.map { paths[$0] },
            paths.indices.filter { chosen.contains($0) }.map { paths[$0] }
        )
    }

    /// Where the weights of a run lie: fp16 EMA weights, ready for `restore sr --model`.
    public var weightsPath: String { "\(options.output)/\(recipe.name).safetensors" }

    /// Trains until the budget is spent or the run is cancelled; a cancelled run can be resumed.
    ///
    /// - Parameters:
    ///   - report: called after every step.
    ///   - isCancelled: asked after every step.
    /// - Returns: whether the budget was spent.
    @discardableResult
    public func run(report: (Progress) -> Void, isCancelled: () -> Bool) throws -> Bool {
        let files = try split()
        try FileManager.default.createDirectory(atPath: options.output, withIntermediateDirectories: true)
        let checkpointPath = Checkpoint.path(in: options.output)
        let exists = FileManager.default.fileExists(atPath: checkpointPath)
        guard options.resume || !exists else {
            throw DataError(
                "'\(options.output)' already holds a run: continue it with --resume, or choose another --output"
            )
        }
        if options.device.isCUDA { Device.allowTF32(true) }
        let model = try SR3Model(recipe.model, seed: recipe.seed, device: options.device)
        let network = model.network
        let parameters = network.parameters
        let optimizer = try AdamW(
            parameters,
            options: .init(
                beta1: recipe.optimizer.beta1, beta2: recipe.optimizer.beta2, epsilon: 1e-8,
                weightDecay: recipe.optimizer.weightDecay))
        let ema = try EMA(parameters, decay: recipe.optimizer.emaDecay)
        var state = Checkpoint(step: 0, samples: 0, seconds: 0, emaUpdates: 0)
        if exists {
            state = try Checkpoint.load(
                checkpointPath, into: network, ema: ema, optimizer: optimizer, recipe: recipeText)
            logger.info("continuing at step \(state.step)")
        }
        logger.info("reading \(files.training.count) pictures")
        let photos = try PhotoCollection(paths: files.training, minimum: recipe.data.patchSize)
        let validation = try Validation(
            paths: files.validation, scale: recipe.model.scale, multiple: recipe.model.network.multiple,
            device: options.device)
        let schedule = try NoiseSchedule(parsing: recipe.model.schedule)
        let objective = Objective(
            loss: recipe.objective.loss, parameterization: recipe.model.parameterization,
            weighting: recipe.objective.minSNR.map { .minSNR(limit: $0) } ?? .none)
        let patch = recipe.data.patchSize
        let small = patch / recipe.model.scale
        let shrink = try Resampler(
            inputHeight: patch, inputWidth: patch, outputHeight: small, outputWidth: small,
            device: options.device)
        let enlarge = try Resampler(
            inputHeight: small, inputWidth: small, outputHeight: patch, outputWidth: patch,
            device: options.device)
        let batchSize = recipe.optimizer.batchSize
        network.setTraining(true)

        let startSeconds = state.seconds
        let startStep = state.step
        let start = Date()
        var lossSum = 0.0
        var averageLoss: Double?
        var lastCheckpoint = startSeconds
        var lastValidation = startSeconds
        func progress() -> Double {
            let spent = Double(state.step) / Double(recipe.budget.steps)
            return max(spent, recipe.budget.minutes.map { state.seconds / ($0 * 60) } ?? 0)
        }
        func save() throws {
            state.emaUpdates = ema.updates
            try state.save(
                weights: parameters, ema: ema, optimizer: optimizer, recipe: recipeText, to: checkpointPath)
            try SR3Model.save(
                ema.averages, configuration: recipe.model, metadata: card(state, files.training.count),
                to: weightsPath)
        }
        func validate() throws {
            guard !validation.cases.isEmpty else { return }
            network.setTraining(false)
            defer { network.setTraining(true) }
            let result = try ema.swapped { try validation.run(model) }
            try result.grid.write(to: "\(options.output)/validation.png")
            try appendCurve(state, averageLoss ?? .nan, result)
            logger.info(
                "step \(state.step), \(state.samples) samples: PSNR mean prediction \(format(result.mean)) dB, sample \(format(result.sample)) dB, bicubic \(format(result.bicubic)) dB"
            )
        }

        while progress() < 1 {
            // Every draw of a step follows from (seed, step), so that a resumed run is the same run.
            var random = CounterStream(seed: recipe.seed, stream: UInt64(state.step) + 1)
            let rate = recipe.learningRate(step: state.step, progress: progress())
            let batch = try photos.batch(batchSize, size: patch, using: &random)
            let gammas = (0..<batchSize).map { _ in schedule.trainingLevel(random.uniform(), random.uniform())
            }
            let hr = try batch.to(options.device).to(.float32) / 127.5 - 1
            let condition = try noGrad { try enlarge(shrink(hr).quantized()).channelsLast() }
            let noise = try NoiseSource.normal(like: hr, seed: random.next())
            let loss = try model.loss(objective, hr: hr, condition: condition, noise: noise, gammas: gammas)
            optimizer.clearGradients()
            try loss.backward()
            try clipGradients(parameters.map(\.value), limit: recipe.optimizer.gradientClip)
            try optimizer.step(learningRate: rate)
            try ema.update()
            state.step += 1
            state.samples += batchSize
            state.seconds = startSeconds + Date().timeIntervalSince(start)
            // Reading the loss waits for the device: seldom on CUDA.
            if !options.device.isCUDA || state.step % 20 == 0 {
                let value = try loss.detach().item()
                guard value.isFinite else {
                    throw DataError(
                        "the loss became \(value) at step \(state.step): lower optimizer.learningRate")
                }
                lossSum = averageLoss ?? value
                averageLoss = lossSum + (value - lossSum) * 0.02
            }
            let elapsed = state.seconds - startSeconds
            let done = progress()
            report(
                Progress(
                    step: state.step, samples: state.samples, loss: averageLoss ?? .nan,
                    samplesPerSecond: Double((state.step - startStep) * batchSize) / max(elapsed, 1e-9),
                    secondsLeft: done > 0 ? state.seconds * (1 - done) / done : 0))
            if isCancelled() {
                try save()
                return false
            }
            if state.seconds - lastValidation >= recipe.budget.validationMinutes * 60 {
                lastValidation = state.seconds
                try validate()
            }
            if state.seconds - lastCheckpoint >= recipe.budget.checkpointMinutes * 60 {
                lastCheckpoint = state.seconds
                try save()
            }
        }
        try save()
        try validate()
        return true
    }

    /// The model card: what the weights are, kept in their own file.
    private func card(_ state: Checkpoint, _ photos: Int) -> [String: String] {
        [
            "licence": recipe.licence ?? "not stated", "name": recipe.name, "description": recipe.description,
            "task": recipe.task, "recipe": recipeText,
            "training_sets": recipe.data.sets.joined(separator: ", "), "training_photographs": "\(photos)",
            "steps": "\(state.step)", "samples": "\(state.samples)",
            "training_minutes": String(format: "%.1f", state.seconds / 60),
            "training_device": "\(options.device)",
            "weights": "exponential moving average, decay \(recipe.optimizer.emaDecay)",
        ]
    }

    private func format(_ value: Double) -> String { String(format: "%.2f", value) }

    /// One line of validation.csv: quality against training samples.
    private func appendCurve(_ state: Checkpoint, _ loss: Double, _ result: Validation.Result) throws {
        let path = "\(options.output)/validation.csv"
        let old = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
        let header = "step,samples,seconds,loss,psnr_bicubic,psnr_mean,psnr_sample\n"
        let line = String(
            format: "%d,%d,%.0f,%.5f,%.3f,%.3f,%.3f\n", state.step, state.samples, state.seconds, loss,
            result.bicubic, result.mean, result.sample)
        try ((old ?? header) + line).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
