import Foundation
import Tensors
import Testing

@testable import Training

private func optimizer(of module: Module) throws -> RunOptimizer {
    try RunOptimizer(module.parameters, settings: Recipe(yaml: recipeText(), path: "r.yaml").optimizer)
}

struct CheckpointTests {
    private struct Run {
        let module: Linear
        let ema: EMA
        let optimizer: RunOptimizer

        init(seed: UInt64) throws {
            module = try Linear(3, 2, Initializer(seed: seed))
            ema = try EMA(module.parameters, decay: 0.9)
            optimizer = try TrainingTests.optimizer(of: module)
        }

        func step() throws {
            optimizer.clearGradients()
            try module(Tensor([1, -2, 0.5], shape: [1, 3])).squared().sum().backward()
            try optimizer.step(learningRate: .full([], 0.01))
            try ema.update()
        }

        func bytes() throws -> [[UInt8]] {
            try (module.parameters + ema.averages + optimizer.state).map { try $0.value.bytes() }
        }
    }

    @Test func everythingComesBack() throws {
        let folder = try TestFolder()
        let path = Checkpoint.path(in: folder.path)
        let run = try Run(seed: 1)
        for _ in 0..<3 { try run.step() }
        let checkpoint = Checkpoint(step: 3, samples: 24, seconds: 1.25, emaUpdates: run.ema.updates)
        func save(_ text: String) throws {
            try checkpoint.save(
                weights: run.module.parameters, ema: run.ema, optimizer: run.optimizer, recipe: text,
                in: folder.path)
        }
        let text = "name: \"x\"\n# ünïcode, 'quotes' and\ttabs\n"
        try save(text)
        let other = try Run(seed: 2)
        #expect(try other.bytes() != run.bytes())
        func load(_ text: String) throws -> Checkpoint {
            try Checkpoint.load(
                in: folder.path, into: other.module, ema: other.ema, optimizer: other.optimizer, recipe: text,
                warn: { _ in })
        }
        let loaded = try load(text)
        #expect(loaded.step == 3 && loaded.samples == 24 && loaded.seconds == 1.25 && loaded.emaUpdates == 3)
        #expect(other.ema.updates == 3)
        #expect(try other.bytes() == run.bytes())
        try run.step()
        try other.step()
        #expect(try other.bytes() == run.bytes())

        let error = try #require(throws: DataError.self) { try load(text + " ") }
        #expect(error.description.contains("was made by another version of this recipe"))
        try SafetensorsWriter.write([(name: "x", value: Tensor([1]))], to: path)
        let foreign = try #require(throws: DataError.self) { try load(text) }
        #expect(foreign.description == "'\(path)' is not a checkpoint of restore")
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: TensorFileError.self) { try load(text) }
    }

    @Test func aCheckpointOfAnotherNetworkIsRefused() throws {
        let folder = try TestFolder()
        let run = try Run(seed: 1)
        try Checkpoint(step: 0, samples: 0, seconds: 0, emaUpdates: 0).save(
            weights: run.module.parameters, ema: run.ema, optimizer: run.optimizer, recipe: "r",
            in: folder.path)
        let wide = try Linear(4, 2, Initializer(seed: 1))
        let error = try #require(throws: TensorError.self) {
            try Checkpoint.load(
                in: folder.path, into: wide, ema: EMA(wide.parameters, decay: 0.9),
                optimizer: optimizer(of: wide), recipe: "r", warn: { _ in })
        }
        #expect(error.description.contains("'weight'"))
    }

    /// The newest of two that is damaged is not the end: the one before it is taken, and said so.
    @Test func aDamagedCheckpointFallsBackToTheOneBefore() throws {
        let folder = try TestFolder()
        let run = try Run(seed: 1)
        func save(_ step: Int) throws {
            try Checkpoint(
                step: step, samples: step, seconds: 0, emaUpdates: run.ema.updates, averageLoss: 0.5,
                origin: "elsewhere"
            ).save(
                weights: run.module.parameters, ema: run.ema, optimizer: run.optimizer, recipe: "r",
                in: folder.path)
        }
        try run.step()
        try save(1)
        let first = try run.bytes()
        try run.step()
        try save(2)
        var warnings: [String] = []
        func load() throws -> (Checkpoint, [[UInt8]]) {
            let other = try Run(seed: 2)
            let checkpoint = try Checkpoint.load(
                in: folder.path, into: other.module, ema: other.ema, optimizer: other.optimizer, recipe: "r",
                warn: { warnings.append($0) })
            return (checkpoint, try other.bytes())
        }
        #expect(try load().0.step == 2)
        #expect(warnings.isEmpty)
        let newest = Checkpoint.path(in: folder.path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: newest))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: newest))
        let (checkpoint, bytes) = try load()
        #expect(checkpoint.step == 1 && checkpoint.averageLoss == 0.5 && checkpoint.origin == "elsewhere")
        #expect(bytes == first)
        #expect(warnings.count == 1 && warnings[0].contains(newest) && warnings[0].contains("step 1"))
        try FileManager.default.removeItem(atPath: newest)
        #expect(Checkpoint.exists(in: folder.path))
        #expect(try load().0.step == 1)
    }
}
