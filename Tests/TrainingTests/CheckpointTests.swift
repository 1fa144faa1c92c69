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
            try optimizer.step(learningRate: 0.01)
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
                weights: run.module.parameters, ema: run.ema, optimizer: run.optimizer, recipe: text, to: path
            )
        }
        let text = "name: \"x\"\n# ünïcode, 'quotes' and\ttabs\n"
        try save(text)
        let other = try Run(seed: 2)
        #expect(try other.bytes() != run.bytes())
        func load(_ text: String) throws -> Checkpoint {
            try Checkpoint.load(
                path, into: other.module, ema: other.ema, optimizer: other.optimizer, recipe: text)
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
        let path = Checkpoint.path(in: folder.path)
        let run = try Run(seed: 1)
        try Checkpoint(step: 0, samples: 0, seconds: 0, emaUpdates: 0).save(
            weights: run.module.parameters, ema: run.ema, optimizer: run.optimizer, recipe: "r", to: path)
        let wide = try Linear(4, 2, Initializer(seed: 1))
        let error = try #require(throws: TensorError.self) {
            try Checkpoint.load(
                path, into: wide, ema: EMA(wide.parameters, decay: 0.9), optimizer: optimizer(of: wide),
                recipe: "r")
        }
        #expect(error.description.contains("'weight'"))
    }
}
