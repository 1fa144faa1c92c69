import Diffusion
import Parallel
import Tensors

/// One step of the optimiser: a batch in as many turns as the recipe says, gradients clipped, weights
/// and averages moved. Nothing in it waits for the device.
final class TrainingStep {
    /// What a step came to; reading a value waits for the device.
    struct Outcome {
        /// The mean loss of the batch, that of all ranks together.
        let loss: Tensor
        /// The L2 norm of all gradients before clipping.
        let gradientNorm: Tensor
        /// The means over the ranks of what each of them told, on the device.
        let told: Tensor
    }

    /// How many numbers a rank tells the others with a step.
    static let toldCount = 2

    /// The parts of a step, for those who time them.
    enum Phase: String, CaseIterable, Sendable { case data, forward, backward, optimizer }

    /// Called at the end of each part.
    var observer: ((Phase) throws -> Void)?

    private let source: BatchSource
    private let optimizer: RunOptimizer
    private let ema: EMA
    private let parameters: [Tensor]
    private let settings: Recipe.OptimizerSettings
    private let device: Device
    private let buckets: GradientBuckets
    /// The type that convolutions and matrix products are computed in; nil for float32.
    private let precision: DType?
    /// Steps that were left out for a gradient that was not finite: in all, and the last in a row.
    private let skipped: Tensor
    private let streak: Tensor

    /// - Parameter isAhead: whether each batch is made while the one before it is trained on; nil where it
    ///   pays.
    init(
        _ task: any TrainingTask, network: Module, optimizer: RunOptimizer, ema: EMA, recipe: Recipe,
        device: Device, ranks: Communicator = .single, isAhead: Bool? = nil
    ) throws {
        // Dropout draws from the generator that a batch's noise is drawn from, so they must take turns.
        source = BatchSource(
            task,
            shard: BatchShard(recipe.optimizer.batchSize * ranks.size, index: ranks.rank, of: ranks.size),
            turns: recipe.optimizer.accumulation, seed: recipe.seed,
            isAhead: (isAhead ?? (device.isCUDA || task.photos.areElsewhere)) && !recipe.task.hasDropout)
        self.optimizer = optimizer
        self.ema = ema
        parameters = network.parameters.map(\.value)
        settings = recipe.optimizer
        self.device = device
        buckets = try GradientBuckets(
            parameters, communicator: ranks, carriedCount: 1 + Self.toldCount)
        precision = settings.precision.dtype(on: device)
        skipped = try Tensor.zeros([], device: device)
        streak = try Tensor.zeros([], device: device)
    }

    /// How many steps were left out, in all and in a row until now; waits for the device.
    func skips() throws -> (total: Int, inARow: Int) {
        (Int(try skipped.item()), Int(try streak.item()))
    }

    /// - Parameters:
    ///   - step: every number that is drawn follows from it and the recipe's seed, so that a resumed run is
    ///     the same run.
    ///   - telling: travels behind the gradients, so that ranks agree without another round trip.
    func callAsFunction(
        _ step: Int, learningRate: Double, telling: [Float] = Array(repeating: 0, count: toldCount)
    ) throws -> Outcome {
        optimizer.clearGradients()
        let turns = settings.accumulation
        var carried = try Tensor(telling).to(device)
        let loss = try Tensor.zeros([], device: device)
        for turn in 0..<turns {
            let forward = try source.part(step: step, turn: turn)
            try observer?(.data)
            let part = try autocast(to: precision, on: device, forward) * (1 / Double(turns))
            try observer?(.forward)
            try noGrad { try loss.add(part.detach()) }
            if turn == turns - 1 {
                carried = try noGrad { try Tensor.concatenated([loss.reshaped([1]), carried], dim: 0) }
                carried = try buckets.average(carrying: carried) { try part.backward() } ?? carried
            } else {
                try part.backward()
            }
            try observer?(.backward)
        }
        let norm = try clipGradients(parameters, limit: settings.gradientClip)
        try noGrad {
            let skip = try norm.isNotFinite()
            try optimizer.step(learningRate: learningRate, skip: skip)
            try ema.update()
            try skipped.add(skip)
            try streak.copy(from: (streak + skip) * skip)
        }
        try observer?(.optimizer)
        return Outcome(
            loss: try carried.narrowed(0, start: 0, count: 1).reshaped([]), gradientNorm: norm,
            told: try carried.narrowed(0, start: 1, count: telling.count))
    }
}

extension Recipe.OptimizerSettings.Precision {
    /// The type of convolutions and matrix products; nil for float32.
    func dtype(on device: Device) -> DType? {
        switch self {
        case .auto: device.isCUDA ? .bfloat16 : nil
        case .float32: nil
        case .bfloat16: .bfloat16
        }
    }
}
