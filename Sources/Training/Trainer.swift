import Deblur
import Foundation
import Logging
import Parallel
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
        /// The weights' file of the recipe's `data.searchModel`, where it names one.
        public var searchModel: String?
        /// A folder for what takes long to make and follows from recipe and pictures alone; nil for none.
        public var cache: String?
        /// Of the program, for the run's record.
        public var version = "unknown"

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
        /// The running mean.
        public var loss: Double
        public var samplesPerSecond: Double
        public var secondsLeft: Double
    }

    public let recipe: Recipe
    let recipeText: String
    let options: Options
    let ranks: Communicator
    let logger: Logger
    /// Whether each batch is made while the one before it is trained on; nil where it pays.
    var isAhead: Bool?
    /// Whether steps are written down and replayed; nil where it pays.
    var isRecorded: Bool?

    /// - Parameters:
    ///   - recipeText: the file as it was read; it is kept with the weights.
    ///   - ranks: train together, each with the recipe's batch size; rank 0 writes.
    public init(
        recipe: Recipe, recipeText: String, options: Options, ranks: Communicator = .single, logger: Logger
    ) {
        self.ranks = ranks
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
    ///
    /// - Returns: `search`: that of the recipe's `data.searchModel`.
    func built() throws -> (
        network: Module, search: KernelNetwork?, optimizer: () throws -> RunOptimizer,
        task: (_ training: [String], _ validation: [String], _ isCancelled: () -> Bool) throws ->
            any TrainingTask
    ) {
        let perceptual = try recipe.objective.perceptual.map {
            try PerceptualLoss($0, roots: options.data, seed: recipe.seed, device: options.device)
        }
        func optimizer(of network: Module) throws -> RunOptimizer {
            let rate = recipe.objective.perceptual?.adversarial?.learningRate
            return try RunOptimizer(
                network.learning, settings: recipe.optimizer,
                critic: perceptual?.critic.flatMap { critic in rate.map { (critic, $0) } })
        }
        switch recipe.task {
        case .sr3(let configuration, let degradation):
            let model = try SR3Model(configuration, seed: recipe.seed, device: options.device)
            return (
                model.network, nil, { try optimizer(of: model.network) },
                { [recipe] training, validation, _ in
                    try SR3Training(
                        recipe, model, degradation, perceptual: perceptual, training: training,
                        validation: validation)
                }
            )
        case .deblur(let configuration, let degradation):
            let networks = try PredictAndRefine(configuration, seed: recipe.seed, device: options.device)
            let learnsKernels = recipe.objective.learns == .kernels
            for (name, value) in networks.parameters {
                try value.setRequiresGrad(PredictAndRefine.isOfKernels(name) == learnsKernels)
            }
            let search = try searchNetwork(for: networks)
            let frames = try recipe.data.frames.map {
                try TrainingFiles.paths(sets: [$0], roots: options.data, manifests: options.manifests)
            }
            return (
                networks, search, { try optimizer(of: networks) },
                { [recipe, options] training, validation, isCancelled in
                    try DeblurTraining(
                        recipe, networks, degradation, search: search, perceptual: perceptual,
                        training: training, validation: validation, frames: frames ?? [],
                        device: options.device, cache: options.cache, isCancelled: isCancelled)
                }
            )
        }
    }

    private func searchNetwork(for networks: PredictAndRefine) throws -> KernelNetwork? {
        guard let name = recipe.data.searchModel else { return nil }
        guard let kernels = try DeblurModel.load(options.searchModel ?? name).networks.kernels else {
            throw DataError("data.searchModel: '\(name)' has no network for kernels")
        }
        guard kernels.side == networks.kernels?.side else {
            throw DataError("data.searchModel: '\(name)' looks for kernels of another side than this recipe")
        }
        return kernels
    }

    func split() throws -> (training: [String], validation: [String]) {
        let paths = try without(
            TrainingFiles.paths(sets: recipe.data.sets, roots: options.data, manifests: options.manifests))
        let count = min(recipe.data.validationCount, paths.count - 1)
        guard count > 0 else { return (paths, []) }
        let chosen = Set((0..<count).map { $0 * paths.count / count })
        return (
            paths.indices.filter { !chosen.contains($0) }.map { paths[$0] },
            paths.indices.filter { chosen.contains($0) }.map { paths[$0] }
        )
    }

    /// Paths but those that the recipe leaves out.
    ///
    /// - Throws: ``DataError`` for a name that no picture has, which would be learnt from under another, and where nothing is left.
    private func without(_ paths: [String]) throws -> [String] {
        let names = Set(paths.map { ($0 as NSString).lastPathComponent })
        if let unknown = recipe.data.exclude.first(where: { !names.contains($0) }) {
            throw DataError("data.exclude: there is no picture '\(unknown)' to leave out")
        }
        let rest = paths.filter { !isLeftOut($0) }
        guard !rest.isEmpty else { throw DataError("data.exclude leaves no picture to learn from") }
        return rest
    }

    private func isLeftOut(_ path: String) -> Bool {
        recipe.data.exclude.contains((path as NSString).lastPathComponent)
    }

    /// The data sets and how many pictures each has here.
    func dataSets() throws -> [RunRecord.DataSet] {
        try (recipe.data.sets + (recipe.data.frames.map { [$0] } ?? [])).map { name in
            let paths = try TrainingFiles.paths(
                sets: [name], roots: options.data, manifests: options.manifests)
            // Frames are a sequence, of which none can be missing.
            let used = paths.filter { name == recipe.data.frames || !isLeftOut($0) }
            return RunRecord.DataSet(name: name, pictures: used.count)
        }
    }

    /// Where the weights of a run lie: fp16 EMA weights, ready for `restore sr --model`.
    public var weightsPath: String { "\(options.output)/\(recipe.name).safetensors" }

    /// Trains until the budget is spent or the run is cancelled; a cancelled run can be resumed.
    ///
    /// - Parameters:
    ///   - report: called after every step.
    ///   - isCancelled: asked after every step, and before the first while what it needs is made.
    /// - Returns: whether the budget was spent.
    /// - Throws: `CancellationError` where it is cancelled before the first step.
    @discardableResult
    public func run(report: (Progress) -> Void, isCancelled: () -> Bool) throws -> Bool {
        let run = try TrainingRun(self, isCancelled: isCancelled)
        return try run.callAsFunction(report: report, isCancelled: isCancelled)
    }
}
