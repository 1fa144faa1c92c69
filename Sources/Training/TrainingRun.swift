import Foundation
import Logging
import Parallel
import Tensors

/// A run from its start, or from where it was left, to the end of its budget.
final class TrainingRun {
    private let trainer: Trainer
    private let recipe: Recipe
    private let folder: String
    private let device: Device
    private let logger: Logger
    private let ranks: Communicator
    private let network: Module
    private let optimizer: RunOptimizer
    private let ema: EMA
    private let task: any TrainingTask
    /// Rank 0's claim to the folder, and what it writes down there.
    private let lock: RunLock?
    private let log: RunLog?
    private var curve: ValidationCurve?
    private var isLogBroken = false
    private let step: TrainingStep
    private var state: Checkpoint
    private var skips = 0
    private var hasToldOfRecording = false

    /// After so many steps in a row without a finite gradient a run is lost.
    private static let skipLimit = 100
    /// On CUDA values are read so seldom, since reading waits for the device.
    private static let readingInterval = 20
    /// A line of the log every so many steps.
    private static let logInterval = 20

    /// Builds the network, reads checkpoint and pictures.
    init(_ trainer: Trainer, isCancelled: () -> Bool) throws {
        self.trainer = trainer
        recipe = trainer.recipe
        folder = trainer.options.output
        device = trainer.options.device
        let ranks = trainer.ranks
        self.ranks = ranks
        var logger = trainer.logger
        if !ranks.isRoot { logger.logLevel = .critical }
        self.logger = logger
        let files = try Self.files(of: trainer)
        // The folder is rank 0's; it may be on a disk that the others do not see.
        _ = try ranks.onRoot { [folder] in
            try RunLock.requireFree(folder)
            guard trainer.options.resume || !Checkpoint.exists(in: folder) else {
                throw DataError(
                    "'\(folder)' already holds a run: continue it with --resume, or choose another --output")
            }
        }
        let isResumed = ranks.isRoot && Checkpoint.exists(in: folder)
        if device.isCUDA { Device.allowTF32(true) }
        let (network, search, makeOptimizer, makeTask) = try trainer.built()
        self.network = network
        let searchNetwork = try search?.digest()
        try ranks.requireSame(searchNetwork ?? "none", "weights of data.searchModel")
        let origin =
            try isResumed || !ranks.isRoot ? nil : trainer.options.continueFrom.map(StartingPoint.init)
        try origin?.load(into: network)
        let parameters = network.parameters
        optimizer = try makeOptimizer()
        ema = try EMA(parameters, decay: recipe.optimizer.emaDecay)
        if let origin {
            let isWarm = try origin.load(ema: ema, optimizer: optimizer)
            logger.info(
                "continuing from \(origin.description), \(isWarm ? "with" : "without") its optimiser's state")
        }
        state = Checkpoint(
            step: 0, samples: 0, seconds: 0, emaUpdates: ema.updates, origin: origin?.description,
            originSets: origin?.trainingSets ?? [], searchNetwork: searchNetwork)
        if isResumed {
            state = try Checkpoint.load(
                in: folder, into: network, ema: ema, optimizer: optimizer, recipe: trainer.recipeText,
                warn: { trainer.logger.warning("\($0)") })
            guard state.searchNetwork == searchNetwork else {
                throw DataError(
                    "'\(folder)' was begun with a data.searchModel of other weights: resume with that one, or choose another --output"
                )
            }
            logger.info("continuing at step \(state.step)")
        }
        // Rank 0's state is that of all, but for the averages, which it alone saves.
        state = try ranks.gathered(state)[0]
        try ranks.broadcast((parameters + optimizer.state).map(\.value))
        // That a folder cannot be made is said before pictures are read, which may take minutes; if they
        // cannot be used, it is not left behind.
        let isNew = ranks.isRoot && !FileManager.default.fileExists(atPath: folder)
        _ = try ranks.onRoot { [folder] in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let count = files.training.count
        logger.info("reading \(count) \(count == 1 ? "picture" : "pictures")")
        if let some = recipe.data.kernelEstimates {
            let count = some + (recipe.data.largeKernelEstimates ?? 0)
            logger.info("estimating the blur of \(count) pictures, which takes a while the first time")
        }
        do {
            task = try ranks.agree {
                try makeTask(files.training, ranks.isRoot ? files.validation : [], isCancelled)
            }
        } catch {
            if isNew { rmdir(folder) }
            throw error
        }
        let unusable = task.photos.unreadable + task.unusable
        for reason in unusable { logger.warning("left out: \(reason)") }
        try ranks.requireSame("\(task.photos.photos.map { [$0.width, $0.height] })", "usable pictures")
        if !unusable.isEmpty {
            logger.warning(
                unusable.count == 1 ? "1 picture was left out" : "\(unusable.count) pictures were left out")
        }
        step = try TrainingStep(
            task, network: network, optimizer: optimizer, ema: ema, recipe: recipe, device: device,
            ranks: ranks, isAhead: trainer.isAhead, isRecorded: trainer.isRecorded)
        lock = try ranks.onRoot { [folder] in try RunLock(folder: folder) }
        let written = try ranks.onRoot { [folder, state, task] in
            try RunRecord(
                recipe: trainer.recipe, dataSets: trainer.dataSets(),
                trainingPictures: task.photos.photos.count,
                validationPictures: files.validation.count - task.unusable.count,
                start: .init(
                    version: trainer.options.version, device: trainer.options.device, step: state.step)
            ).write(to: folder, recipeText: trainer.recipeText, isResumed: isResumed)
            let step = isResumed ? state.step : nil
            return try (
                log: RunLog(folder: folder, resuming: step),
                curve: ValidationCurve(folder: folder, resuming: step)
            )
        }
        (log, curve) = (written?.log, written?.curve)
    }

    /// The pictures, if every rank has the same ones and the same recipe.
    private static func files(of trainer: Trainer) throws -> (training: [String], validation: [String]) {
        let files = try trainer.ranks.agree { try trainer.split() }
        try trainer.ranks.requireSame(trainer.recipeText, "settings in the recipe")
        let names = files.training.map { ($0 as NSString).lastPathComponent }
        try trainer.ranks.requireSame(names.joined(separator: "\n"), "pictures")
        return files
    }

    /// - Returns: whether the budget was spent.
    func callAsFunction(report: (Trainer.Progress) -> Void, isCancelled: () -> Bool) throws -> Bool {
        network.setTraining(true)
        let first = (step: state.step, seconds: state.seconds)
        let start = Date()
        var lastStep = start
        var lastCheckpoint = state.seconds
        var lastValidation = state.seconds
        let batchSize = recipe.optimizer.batchSize * ranks.size
        /// A step whose values nobody has read yet.
        var last: TrainingStep.Outcome?
        while progress < 1 {
            let rate = recipe.learningRate(step: state.step, progress: progress)
            let now = Date()
            let outcome = try step(
                state.step, learningRate: rate,
                telling: ranks.isParallel
                    ? [Float(now.timeIntervalSince(lastStep)), isCancelled() ? 1 : 0] : [0, 0])
            lastStep = now
            if let reason = step.recordingFailure, !hasToldOfRecording {
                hasToldOfRecording = true
                logger.warning("steps are asked of the device call by call, which is slower: \(reason)")
            }
            state.step += 1
            state.samples += batchSize
            // Ranks keep one clock, since budget and rate follow from it.
            let told = try ranks.isParallel ? outcome.told.doubles() : nil
            state.seconds =
                told.map { state.seconds + $0[0] } ?? first.seconds + Date().timeIntervalSince(start)
            last = outcome
            // The first is read at once, so that there is a loss to tell.
            if !device.isCUDA || state.averageLoss == nil || state.step % Self.readingInterval == 0 {
                try read(outcome)
                last = nil
            }
            let samplesPerSecond =
                Double((state.step - first.step) * batchSize) / max(Date().timeIntervalSince(start), 1e-9)
            if state.step % Self.logInterval == 0 {
                try log(outcome, rate: rate, samplesPerSecond: samplesPerSecond)
            }
            report(
                Trainer.Progress(
                    step: state.step, samples: state.samples, loss: state.averageLoss ?? .nan,
                    samplesPerSecond: samplesPerSecond,
                    secondsLeft: progress > 0 ? state.seconds * (1 - progress) / progress : 0))
            if told.map({ $0[1] > 0 }) ?? isCancelled() {
                try save()
                return false
            }
            if state.seconds - lastValidation >= recipe.budget.validationMinutes * 60 {
                lastValidation = state.seconds
                try validate()
            }
            if state.seconds - lastCheckpoint >= recipe.budget.checkpointMinutes * 60 {
                lastCheckpoint = state.seconds
                saveOrWarn()
            }
        }
        if let last { try read(last) }
        try save()
        try validate()
        return true
    }

    /// The spent part of the budget: of the steps or of the time, whichever is larger.
    private var progress: Double {
        let spent = Double(state.step) / Double(recipe.budget.steps)
        return max(spent, recipe.budget.minutes.map { state.seconds / ($0 * 60) } ?? 0)
    }

    /// Waits for the device and takes note of the loss.
    private func read(_ outcome: TrainingStep.Outcome) throws {
        let loss = try outcome.loss.item()
        if loss.isFinite { state.averageLoss = state.averageLoss.map { $0 + (loss - $0) * 0.02 } ?? loss }
        let (total, inARow) = try step.skips()
        guard total > skips else { return }
        skips = total
        tell { [state] in try $0.event("skipped", step: state.step, numbers: [("total", Double(total))]) }
        logger.warning(
            "step \(state.step): the gradient is not finite, the step was left out; \(total) until now")
        guard inARow < Self.skipLimit else {
            throw DataError(
                "no gradient was finite for \(inARow) steps in a row, up to step \(state.step): lower optimizer.learningRate"
            )
        }
    }

    // MARK: files

    private func log(_ outcome: TrainingStep.Outcome, rate: Double, samplesPerSecond: Double) throws {
        guard log != nil else { return }
        let measurement = TrainingMeasurement(
            step: state.step, samples: state.samples, seconds: state.seconds, loss: try outcome.loss.item(),
            learningRate: rate, gradientNorm: try outcome.gradientNorm.item(),
            samplesPerSecond: samplesPerSecond)
        tell { try $0.training(measurement) }
    }

    /// Writes to the log; one that cannot be written to is no reason to end a run.
    private func tell(_ body: (RunLog) throws -> Void) {
        guard let log, !isLogBroken else { return }
        do {
            try body(log)
        } catch {
            isLogBroken = true
            logger.warning("\(error); the run goes on without its log")
        }
    }

    private func save() throws {
        guard ranks.isRoot else { return }
        tell { try $0.flush() }
        state.emaUpdates = ema.updates
        try state.save(
            weights: network.parameters, ema: ema, optimizer: optimizer, recipe: trainer.recipeText,
            in: folder)
        try task.save(ema.averages, metadata: card, to: trainer.weightsPath)
    }

    /// A full disk must not end a run that can still be saved later.
    private func saveOrWarn() {
        do { try save() } catch { logger.warning("\(error); the run goes on") }
    }

    private func validate() throws {
        // The last step is judged within the loop, too, where its time has come, and a finished run that is
        // resumed was judged before.
        guard let curve, curve.lastStep != state.step else { return }
        network.setTraining(false)
        defer { network.setTraining(true) }
        guard let result = try ema.swapped({ try task.validate() }) else { return }
        try result.grid.write(to: "\(folder)/validation.png")
        try appendCurve(result)
        tell { [state] log in
            for figure in result.figures {
                try log.scalar("validation/psnr_\(figure.name)", figure.value, step: state.step)
            }
            try log.image("validation/pictures", result.grid, step: state.step)
            try log.event(
                "validation", step: state.step,
                numbers: result.figures.map { ("psnr_\($0.name)", $0.value) })
        }
        let figures = result.figures.map { "\($0.name) \(String(format: "%.2f", $0.value)) dB" }
        logger.info("step \(state.step), \(state.samples) samples: PSNR \(figures.joined(separator: ", "))")
    }

    /// The model card: what the weights are, kept in their own file.
    private var card: [String: String] {
        var card = [
            "licence": recipe.licence ?? "not stated", "name": recipe.name, "description": recipe.description,
            "task": recipe.task.name, "recipe": trainer.recipeText,
            ModelCard.setsKey: ModelCard.text(ofSets: recipe.data.allSets.withFurther(state.originSets)),
            "training_photographs": "\(task.photos.photos.count)",
            "steps": "\(state.step)", "samples": "\(state.samples)",
            "training_minutes": String(format: "%.1f", state.seconds / 60),
            "training_device": "\(device)",
            "weights": "exponential moving average, decay \(recipe.optimizer.emaDecay)",
        ]
        card["continued_from"] = state.origin
        return card
    }

    /// One line of validation.csv: quality against training samples.
    private func appendCurve(_ result: ValidationResult) throws {
        try curve?.append(
            [
                ("step", "\(state.step)"), ("samples", "\(state.samples)"),
                ("seconds", String(format: "%.0f", state.seconds)),
                ("loss", String(format: "%.5f", state.averageLoss ?? .nan)),
            ] + result.figures.map { ("psnr_\($0.name)", String(format: "%.3f", $0.value)) })
    }
}
