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

    /// Whether steps are to be written down once and replayed, and the one that is.
    private(set) var isRecorded: Bool
    /// For those who compare.
    var isReplaying = true
    private var recorded: RecordedUpdate?
    /// How many steps were taken one call at a time since there was a choice.
    private var plainSteps = 0
    /// So many are, in which libtorch chooses algorithms and gets its memory.
    static let plainStepCount = 3
    /// Why steps are not replayed although they should be; for the log.
    private(set) var recordingFailure: String?

    /// - Parameters:
    ///   - isAhead: whether each batch is made while the one before it is trained on; nil where it
    ///     pays.
    ///   - isRecorded: whether what a step asks of the device is written down once and then replayed, which takes
    ///     the CPU a fraction of the time; nil where it pays. On the CPU itself it is computed in the same way
    ///     but for the writing down.
    init(
        _ task: any TrainingTask, network: Module, optimizer: RunOptimizer, ema: EMA, recipe: Recipe,
        device: Device, ranks: Communicator = .single, isAhead: Bool? = nil, isRecorded: Bool? = nil
    ) throws {
        // Dropout draws from the generator that a batch's noise is drawn from, so they must take turns.
        source = BatchSource(
            task,
            shard: BatchShard(recipe.optimizer.batchSize * ranks.size, index: ranks.rank, of: ranks.size),
            turns: recipe.optimizer.accumulation, seed: recipe.seed,
            isAhead: (isAhead ?? (device.isCUDA || task.photos.areElsewhere)) && !recipe.task.hasDropout)
        self.optimizer = optimizer
        self.ema = ema
        parameters = network.learning.map(\.value)
        settings = recipe.optimizer
        self.device = device
        buckets = try GradientBuckets(
            parameters + optimizer.criticParameters, communicator: ranks, carriedCount: 1 + Self.toldCount)
        precision = settings.precision.dtype(on: device)
        skipped = try Tensor.zeros([], device: device)
        streak = try Tensor.zeros([], device: device)
        self.isRecorded =
            (isRecorded ?? (device.isCUDA && settings.replay == .auto)) && settings.accumulation == 1
            && !ranks.isParallel
            && !recipe.task.hasDropout
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
        let rate = try Tensor([Float(learningRate)], shape: []).to(device)
        let told = try Tensor(telling).to(device)
        let update =
            try isRecorded && isReplaying && observer == nil
            ? replayed(step, rate: rate, telling: told)
            : updated(rate: rate, telling: told) { try source.part(step: step, turn: $0) }
        try noGrad {
            try ema.update()
            try skipped.add(update.skip)
            try streak.copy(from: (streak + update.skip) * update.skip)
        }
        try observer?(.optimizer)
        return Outcome(
            loss: try update.carried.narrowed(0, start: 0, count: 1).reshaped([]), gradientNorm: update.norm,
            told: try update.carried.narrowed(0, start: 1, count: telling.count))
    }

    /// What comes of the passes of a step, on the device.
    private struct Update {
        /// The loss, and what was told.
        let carried: Tensor
        let norm: Tensor
        /// 1 where the gradient is not finite, else 0.
        let skip: Tensor
    }

    /// Forward and backward passes and the optimiser's step. All that it takes from the CPU lies in the tensors it
    /// is given.
    private func updated(rate: Tensor, telling: Tensor, _ batch: (_ turn: Int) throws -> TrainingBatch) throws
        -> Update
    {
        optimizer.clearGradients()
        let turns = settings.accumulation
        var carried = telling
        let loss = try Tensor.zeros([], device: device)
        for turn in 0..<turns {
            let forward = try batch(turn).loss
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
        // Apart from the network's, which must not be made small by it.
        let critic =
            try optimizer.criticParameters.isEmpty
            ? nil : clipGradients(optimizer.criticParameters, limit: settings.gradientClip)
        let skip = try noGrad {
            let skip = try (critic.map { try norm + $0 } ?? norm).isNotFinite()
            try optimizer.step(learningRate: rate, skip: skip)
            return skip
        }
        return Update(carried: carried, norm: norm, skip: skip)
    }

    // MARK: replayed

    /// An update, and the tensors that it reads.
    private final class RecordedUpdate {
        let batch: TrainingBatch
        let rate: Tensor
        let telling: Tensor
        var update: Update
        /// Nil on the CPU, where the update is computed again.
        let graph: DeviceGraph?

        init(batch: TrainingBatch, rate: Tensor, telling: Tensor, update: Update, graph: DeviceGraph?) {
            (self.batch, self.rate, self.telling) = (batch, rate, telling)
            (self.update, self.graph) = (update, graph)
        }

        func fits(_ other: TrainingBatch) -> Bool {
            batch.inputs.map(\.shape) == other.inputs.map(\.shape)
        }
    }

    private func replayed(_ step: Int, rate: Tensor, telling: Tensor) throws -> Update {
        let records = recorded == nil && plainSteps >= Self.plainStepCount
        // While the device writes down what it is asked, nobody else may draw from its generator.
        let batch = try source.part(step: step, turn: 0, isLast: records)
        if let recorded, !recorded.fits(batch) {
            self.recorded = nil
            plainSteps = 0
        }
        if records, isRecorded { try record(batch, rate: rate, telling: telling) }
        guard let recorded else {
            plainSteps += 1
            return try updated(rate: rate, telling: telling) { _ in batch }
        }
        if recorded.batch.inputs[0] !== batch.inputs[0] {
            try noGrad {
                for (place, input) in zip(recorded.batch.inputs, batch.inputs) { try place.copy(from: input) }
                try recorded.rate.copy(from: rate)
                try recorded.telling.copy(from: telling)
            }
        }
        if let graph = recorded.graph {
            try graph.replay()
        } else {
            recorded.update = try updated(rate: recorded.rate, telling: recorded.telling) { _ in
                recorded.batch
            }
        }
        return recorded.update
    }

    private func record(_ batch: TrainingBatch, rate: Tensor, telling: Tensor) throws {
        func computed() throws -> Update { try updated(rate: rate, telling: telling) { _ in batch } }
        guard device.isCUDA else {
            let none = try Tensor.zeros([])
            recorded = RecordedUpdate(
                batch: batch, rate: rate, telling: telling,
                update: Update(carried: none, norm: none, skip: none), graph: nil)
            return
        }
        do {
            // Gradients of before must not be read by what is written down.
            optimizer.clearGradients()
            var update: Update?
            let graph = try DeviceGraph(device) { update = try computed() }
            if let update {
                recorded = RecordedUpdate(
                    batch: batch, rate: rate, telling: telling, update: update, graph: graph)
            }
        } catch {
            recordingFailure = "\(error)"
            isRecorded = false
        }
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
