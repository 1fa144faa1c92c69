import Foundation
import Tensors
import Testing

@testable import Training

/// A task whose loss is that of a linear layer on a batch of numbers; at chosen steps it is not finite.
private final class LineTask: TrainingTask {
    let photos: PhotoCollection
    let unusable: [String] = []
    let layer: Linear
    /// Draws after which the loss is NaN.
    var isSick = false
    /// Called when a batch is made, with the number of those before it.
    var making: ((Int) throws -> Void)?
    private(set) var ranges: [Range<Int>] = []

    init(_ layer: Linear, _ folder: TestFolder) throws {
        self.layer = layer
        let path = try folder.file("one.png")
        try RenderedPictures.picture(0, side: 8).write(to: path)
        photos = try PhotoCollection(paths: [path], minimum: 8)
    }

    func batch(_ shard: BatchShard, using random: inout CounterStream) throws -> TrainingBatch {
        ranges.append(shard.range)
        try making?(ranges.count - 1)
        let values = (0..<(shard.batchSize * 3)).map { _ in Float(random.uniform() - 0.5) }
        let range = shard.range
        let x = try Tensor(
            Array(values[(range.lowerBound * 3)..<(range.upperBound * 3)]), shape: [range.count, 3])
        let factor = isSick ? Double.nan : 1
        return TrainingBatch(inputs: [x]) { [layer] in try layer(x).squared().mean() * factor }
    }

    func validate() throws -> ValidationResult? { nil }
    func save(_ weights: [(name: String, value: Tensor)], metadata: [String: String], to path: String) throws
    {}
}

struct TrainingStepTests {
    private struct Setup {
        let layer: Linear
        let task: LineTask
        let optimizer: RunOptimizer
        let ema: EMA
        let step: TrainingStep

        init(
            _ folder: TestFolder, _ changes: [String: String] = [:], extra: String = "", isAhead: Bool? = nil,
            isRecorded: Bool? = nil
        ) throws {
            let text = recipeText(changes).replacingOccurrences(
                of: "  emaDecay: 0.98", with: "  emaDecay: 0.98\n\(extra)")
            let recipe = try Recipe(yaml: text, path: "r.yaml")
            layer = try Linear(3, 2, Initializer(seed: 4))
            task = try LineTask(layer, folder)
            optimizer = try RunOptimizer(layer.parameters, settings: recipe.optimizer)
            ema = try EMA(layer.parameters, decay: 0.9)
            step = try TrainingStep(
                task, network: layer, optimizer: optimizer, ema: ema, recipe: recipe, device: .cpu,
                isAhead: isAhead, isRecorded: isRecorded)
        }

        func bytes() throws -> [[UInt8]] {
            try (layer.parameters + optimizer.state).map { try $0.value.bytes() }
        }
    }

    @Test func aStepWithoutAFiniteGradientLeavesEverythingAsItIs() throws {
        let setup = try Setup(TestFolder())
        for index in 0..<3 { _ = try setup.step(index, learningRate: 0.1) }
        let before = try setup.bytes()
        setup.task.isSick = true
        let outcome = try setup.step(3, learningRate: 0.1)
        #expect(try outcome.loss.item().isNaN)
        #expect(try setup.bytes() == before)
        _ = try setup.step(4, learningRate: 0.1)
        var skips = try setup.step.skips()
        #expect(skips.total == 2 && skips.inARow == 2)
        setup.task.isSick = false
        _ = try setup.step(5, learningRate: 0.1)
        #expect(try setup.bytes() != before)
        skips = try setup.step.skips()
        #expect(skips.total == 2 && skips.inARow == 0)
        #expect(try setup.layer.weight.isFinite())
    }

    /// What is written down once must find all that changes in the tensors it was given: the batch, the rate, what is
    /// told.
    @Test(arguments: ["adamw", "muon"]) func aReplayedStepIsTheSameStep(method: String) throws {
        let folder = try TestFolder()
        let setups = try [false, true].map {
            try Setup(folder, extra: "  method: \(method)\n", isAhead: true, isRecorded: $0)
        }
        for index in 0..<8 {
            let outcomes = try setups.map {
                try $0.step(index, learningRate: 0.1 / Double(index + 1), telling: [Float(index), 2])
            }
            let values = try outcomes.map {
                try $0.loss.floats() + $0.gradientNorm.floats() + $0.told.floats()
            }
            #expect(values[0] == values[1] && values[1].suffix(2) == [Float(index), 2], "step \(index)")
            #expect(try setups[0].bytes() == setups[1].bytes(), "step \(index)")
        }
        #expect(setups[1].step.isRecorded && !setups[0].step.isRecorded)
    }

    /// Turns have other samples of the same batch: together they are the step that one turn makes.
    @Test func accumulationIsTheSameStep() throws {
        let folder = try TestFolder()
        let whole = try Setup(folder)
        let turns = try Setup(folder, extra: "  accumulation: 4")
        var losses: [[Double]] = [[], []]
        for index in 0..<5 {
            losses[0].append(try whole.step(index, learningRate: 0.05).loss.item())
            losses[1].append(try turns.step(index, learningRate: 0.05).loss.item())
        }
        #expect(turns.task.ranges.prefix(4) == [0..<2, 2..<4, 4..<6, 6..<8])
        for (a, b) in zip(losses[0], losses[1]) { #expect(abs(a - b) < 1e-6 * abs(a)) }
        let difference = try (whole.layer.weight - turns.layer.weight).magnitude().max().item()
        #expect(difference < 1e-6)
    }

    // MARK: batches made ahead

    private struct Lost: Error {}

    /// Whoever makes a batch and when, it is the same, also after steps that do not follow one another.
    @Test(arguments: [1, 4]) func batchesMadeAheadAreTheSame(turns: Int) throws {
        let folder = try TestFolder()
        let setups = try [false, true].map {
            try Setup(folder, extra: "  accumulation: \(turns)", isAhead: $0)
        }
        for index in [0, 1, 2, 7, 8, 2, 3] {
            let losses = try setups.map { try $0.step(index, learningRate: 0.05).loss.item() }
            #expect(losses[0] == losses[1], "step \(index)")
        }
        #expect(try setups[0].bytes() == setups[1].bytes())
    }

    @Test func theNextBatchIsMadeWithoutBeingAskedFor() throws {
        let setup = try Setup(TestFolder(), isAhead: true)
        let second = DispatchSemaphore(value: 0)
        setup.task.making = { if $0 == 1 { second.signal() } }
        _ = try setup.step(0, learningRate: 0.1)
        #expect(second.wait(timeout: .now() + 60) == .success)
    }

    /// What goes wrong ahead of time is the error of the step that wanted the batch, and of no other.
    @Test func errorsAreThoseOfTheirStep() throws {
        let folder = try TestFolder()
        let (plain, ahead) = (try Setup(folder), try Setup(folder, isAhead: true))
        ahead.task.making = { if $0 == 3 { throw Lost() } }
        for index in 0..<3 {
            for setup in [plain, ahead] { _ = try setup.step(index, learningRate: 0.1) }
        }
        #expect(throws: Lost.self) { _ = try ahead.step(3, learningRate: 0.1) }
        #expect(try ahead.bytes() == plain.bytes())
        for setup in [plain, ahead] { _ = try setup.step(3, learningRate: 0.1) }
        #expect(try ahead.bytes() == plain.bytes())
    }

    /// Nothing goes on behind the end of a run, which could end the program.
    @Test func theEndWaitsForWhatWasBegun() throws {
        let task: LineTask
        let finished = DispatchSemaphore(value: 0)
        do {
            let setup = try Setup(TestFolder(), isAhead: true)
            task = setup.task
            task.making = { number in
                guard number == 1 else { return }
                usleep(200_000)
                finished.signal()
            }
            _ = try setup.step(0, learningRate: 0.1)
        }
        #expect(finished.wait(timeout: .now()) == .success)
        #expect(task.ranges.count == 2)
    }

    /// Where nothing is hidden nothing is made ahead, nor where dropout draws from the same generator.
    @Test func onlyWhatPaysIsMadeAhead() throws {
        let folder = try TestFolder()
        for (isAhead, extra) in [(nil, ""), (true, "dropout: 0.1")] as [(Bool?, String)] {
            let setup = try Setup(
                folder, ["blocks": "1\n    \(extra)"], isAhead: isAhead)
            let second = DispatchSemaphore(value: 0)
            setup.task.making = { if $0 == 1 { second.signal() } }
            _ = try setup.step(0, learningRate: 0.1)
            #expect(second.wait(timeout: .now() + 0.2) == .timedOut)
        }
    }

    @Test func shardsPartitionABatch() {
        for (size, count) in [(8, 2), (7, 3), (3, 5)] {
            let all = (0..<count).flatMap { Array(BatchShard(size, index: $0, of: count).range) }
            #expect(all == Array(0..<size))
        }
        let part = BatchShard(16, index: 1, of: 2)
        #expect(part.turn(0, of: 2).range == 8..<12 && part.turn(1, of: 2).range == 12..<16)
    }

    /// In bfloat16 the loss is near that in float32, and the weights stay float32.
    @Test func mixedPrecisionKeepsMasterWeights() throws {
        let folder = try TestFolder()
        let plain = try Setup(folder)
        let mixed = try Setup(folder, extra: "  precision: bfloat16")
        let (a, b) = (
            try plain.step(0, learningRate: 0.01).loss.item(),
            try mixed.step(0, learningRate: 0.01).loss.item()
        )
        #expect(a != b && abs(a - b) < 0.02 * abs(a))
        #expect(mixed.layer.weight.dtype == .float32)
        #expect(mixed.layer.weight.grad?.dtype == .float32)
    }
}
