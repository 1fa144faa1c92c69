import Deblur
import Foundation
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
        /// A run's folder, a checkpoint or a model file to take the first weights from.
        public var continueFrom: String?

        public init(
            data: [String], output: String, manifests: [String], device: Device, resume: Bool,
            continueFrom: String? = nil
        ) {
            self.data = data
            self.output = output
            self.manifests = manifests
            self.device = device
            self.resume = resume
            self.continueFrom = continueFrom
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
        return Plan(
            training: files.training.count, validation: files.validation.count,
            parameters: try built().network.parameterCount)
    }

    /// The network of the recipe, and what makes the task around it: reading the pictures takes long,
    /// and a network's checkpoint is looked at before.
    private func built() throws -> (
        network: Module, task: (_ training: [String], _ validation: [String]) throws -> any TrainingTask
    ) {
        switch recipe.task {
        case .sr3(let configuration, let degradation):
            let model = try SR3Model(configuration, seed: recipe.seed, device: options.device)
            return (
                model.network,
                { [recipe] in try SR3Training(recipe, model, degradation, training: $0, validation: $1) }
            )
        case .deblur(let configuration, let degradation):
            let networks = try PredictAndRefine(configuration, seed: recipe.seed, device: options.device)
            let frames = try recipe.data.frames.map {
                try TrainingFiles.paths(sets: [$0], roots: options.data, manifests: options.manifests)
            }
            return (
                networks,
                { [recipe, device = options.device] in
                    try DeblurTraining(
                        recipe, networks, degradation, training: $0, validation: $1, frames: frames ?? [],
                        device: device)
                }
            )
        }
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
        let (network, makeTask) = try built()
        let origin = try exists ? nil : options.continueFrom.map(StartingPoint.init)
        try origin?.load(into: network)
        let parameters = network.parameters
        let optimizer = try RunOptimizer(parameters, settings: recipe.optimizer)
        let ema = try EMA(parameters, decay: recipe.optimizer.emaDecay)
        _ = try origin?.load(ema: ema, optimizer: optimizer)
        var state = Checkpoint(
            step: 0, samples: 0, seconds: 0, emaUpdates: ema.updates, origin: origin?.description)
        if exists {
            state = try Checkpoint.load(
                checkpointPath, into: network, ema: ema, optimizer: optimizer, recipe: recipeText)
            logger.info("continuing at step \(state.step)")
        }
        logger.info("reading \(files.training.count) pictures")
        let task = try makeTask(files.training, files.validation)
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
            try task.save(ema.averages, metadata: card(state, files.training.count), to: weightsPath)
        }
        func validate() throws {
            network.setTraining(false)
            defer { network.setTraining(true) }
            guard let result = try ema.swapped({ try task.validate() }) else { return }
            try result.grid.write(to: "\(options.output)/validation.png")
            try appendCurve(state, averageLoss ?? .nan, result)
            let figures = result.figures.map { "\($0.name) \(String(format: "%.2f", $0.value)) dB" }
            logger.info(
                "step \(state.step), \(state.samples) samples: PSNR \(figures.joined(separator: ", "))")
        }

        while progress() < 1 {
            // Every draw of a step follows from (seed, step), so that a resumed run is the same run.
            var random = CounterStream(seed: recipe.seed, stream: UInt64(state.step) + 1)
            let rate = recipe.learningRate(step: state.step, progress: progress())
            let loss = try task.loss(batchSize: batchSize, using: &random)
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
        var card = [
            "licence": recipe.licence ?? "not stated", "name": recipe.name, "description": recipe.description,
            "task": recipe.task.name, "recipe": recipeText,
            "training_sets": (recipe.data.sets + (recipe.data.frames.map { [$0] } ?? [])).joined(
                separator: ", "),
            "training_photographs": "\(photos)",
            "steps": "\(state.step)", "samples": "\(state.samples)",
            "training_minutes": String(format: "%.1f", state.seconds / 60),
            "training_device": "\(options.device)",
            "weights": "exponential moving average, decay \(recipe.optimizer.emaDecay)",
        ]
        card["continued_from"] = state.origin
        return card
    }

    /// One line of validation.csv: quality against training samples.
    private func appendCurve(_ state: Checkpoint, _ loss: Double, _ result: ValidationResult) throws {
        let path = "\(options.output)/validation.csv"
        let old = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
        let names = ["step", "samples", "seconds", "loss"] + result.figures.map { "psnr_\($0.name)" }
        let values =
            ["\(state.step)", "\(state.samples)", String(format: "%.0f", state.seconds)]
            + [String(format: "%.5f", loss)] + result.figures.map { String(format: "%.3f", $0.value) }
        let header = names.joined(separator: ",") + "\n"
        try ((old ?? header) + values.joined(separator: ",") + "\n").write(
            toFile: path, atomically: true, encoding: .utf8)
    }
}
