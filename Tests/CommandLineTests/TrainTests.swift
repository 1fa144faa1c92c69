import Foundation
import ImageFiles
import Tensors
import Testing

@Suite("Command line: train")
struct TrainTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        for (index, name) in ["a.png", "b.png", "c.jpg"].enumerated() {
            let image = try TestPictures.waves(width: 40 + index, height: 36)
            let format = try #require(ImageFormat(path: name))
            try folder.write(image.encoded(as: format), as: "photos/\(name)")
        }
        try folder.write(Self.recipe(steps: 3), as: "tiny.yaml")
    }

    static func recipe(steps: Int) -> String {
        """
        name: tiny
        description: random weights for tests
        licence: Apache-2.0
        task: sr3
        seed: 1
        data: {sets: [], patchSize: 16, validationCount: 1}
        model:
          scale: 4
          target: {residual: {scale: 0.2}}
          parameterization: velocity
          schedule: "linear:1e-6:1e-2:2000"
          network: {baseWidth: 8, multipliers: [1], blocks: 1, patchSize: 2}
          sampling: {method: ddim, steps: 2, eta: 0, variance: 1, temperature: 1, schedule: "cosine:100"}
        objective: {loss: l1}
        optimizer:
          learningRate: 1.0e-3
          warmupSteps: 1
          decayFraction: 0.5
          finalFraction: 0.1
          beta1: 0.9
          beta2: 0.99
          weightDecay: 0
          gradientClip: 1
          batchSize: 2
          emaDecay: 0.9
        budget: {steps: \(steps), checkpointMinutes: 10, validationMinutes: 10}
        """
    }

    private func train(
        _ more: String..., interruption: ((pid_t) throws -> Void)? = nil
    ) throws -> Executable.Outcome {
        try Executable.run(
            ["train", "tiny.yaml", "--data", "photos", "--output", "runs/tiny"] + more, in: folder.path,
            interruption: interruption)
    }

    /// Names in a folder, but for TensorBoard's, which hold the time.
    private func files(in prefix: String) -> [String] {
        folder.names.filter { $0.hasPrefix(prefix) && !$0.contains("tfevents") }.map {
            String($0.dropFirst(prefix.count))
        }
    }

    @Test func dryRunTouchesNothing() throws {
        let before = folder.names
        let outcome = try train("--dry-run")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.outputLines.count == 1)
        #expect(
            outcome.output.wholeMatch(
                of: /tiny: \d+ parameters, 2 pictures to train on, 1 to validate on; nothing was written\n/)
                != nil,
            "\(outcome.output)")
        #expect(folder.names == before)
    }

    @Test func threeStepsMakeAModel() throws {
        let outcome = try train()
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.outputLines.count == 1)
        #expect(outcome.output.hasPrefix("trained tiny in "))
        #expect(outcome.output.hasSuffix("runs/tiny/tiny.safetensors\n"))
        #expect(
            files(in: "runs/tiny/") == [
                "checkpoint.safetensors", "log.jsonl", "recipe.yaml", "run.json", "run.lock",
                "tiny.safetensors", "validation.csv", "validation.png",
            ])
        let checkpoint = try SafetensorsFile(path: folder.file("runs/tiny/checkpoint.safetensors"))
        #expect(checkpoint.metadata["step"] == "3")
        #expect(checkpoint.metadata["samples"] == "6")
        let curve = String(decoding: try folder.bytes("runs/tiny/validation.csv"), as: UTF8.self)
        #expect(curve.split(separator: "\n").count == 2)
        #expect(curve.contains("\n3,6,"))

        // The weights are a model, with its card and recipe.
        try TestPictures.waves().write(to: folder.file("in.png"))
        try succeed(["sr", "in.png", "--model", "runs/tiny/tiny.safetensors"], in: folder)
        #expect(try folder.image("in_x4.png").width == 28)
        let card = try succeed(["models", "show", "runs/tiny/tiny.safetensors"], in: folder).output
        #expect(card.contains("\nsteps: 3\n"))
        #expect(card.contains("\nlicence: Apache-2.0\n"))
        #expect(card.contains("\n\n" + Self.recipe(steps: 3)))

        // A second run does not overwrite it.
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos", "--output", "runs/tiny"], in: folder, status: 65,
            naming: "runs/tiny", "--resume")
        let again = try train("--resume")
        #expect(again.status == 0)
        #expect(
            try SafetensorsFile(path: folder.file("runs/tiny/checkpoint.safetensors")).metadata["step"] == "3"
        )

        // Nor is it continued by another recipe.
        let reseeded = Self.recipe(steps: 3).replacing("seed: ", with: "seed: 7")
        #expect(reseeded != Self.recipe(steps: 3))
        try folder.write(reseeded, as: "tiny.yaml")
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos", "--output", "runs/tiny", "--resume"], in: folder,
            status: 65,
            naming: "checkpoint.safetensors", "--output")

        // An export takes the recipe's sampling defaults of now, and the same network only.
        let eager = Self.recipe(steps: 3).replacingOccurrences(of: "steps: 2, eta", with: "steps: 5, eta")
        try folder.write(eager, as: "tiny.yaml")
        try succeed(
            ["models", "export", "tiny.yaml", "--run", "runs/tiny", "-o", "eager.safetensors"], in: folder)
        let exported = try succeed(["sr", "in.png", "--model", "eager.safetensors"], in: folder)
        #expect(exported.output.contains(", 5 ddim steps, "))
        try folder.write(eager.replacingOccurrences(of: "blocks: 1", with: "blocks: 2"), as: "tiny.yaml")
        try expectFailure(
            ["models", "export", "tiny.yaml", "--run", "runs/tiny", "-o", "other.safetensors"], in: folder,
            status: 65,
            naming: "runs/tiny", "tiny.yaml")
    }

    @Test func sameRecipeGivesTheSameWeights() throws {
        func weights() throws -> [[UInt8]] {
            let outcome = try train("--threads", "1")
            try #require(outcome.status == 0, "\(outcome.errors)")
            let file = try SafetensorsFile(path: folder.file("runs/tiny/tiny.safetensors"))
            let values = try file.names.map { try file.withBytes(of: $0) { Array($0) } }
            try FileManager.default.removeItem(atPath: folder.file("runs"))
            return values
        }
        let first = try weights()
        #expect(first.count > 5)
        #expect(try weights() == first)
    }

    @Test func interruptSavesAndResumeGoesOn() throws {
        try folder.write(Self.recipe(steps: 1_000_000), as: "tiny.yaml")
        func step() throws -> Int {
            let file = try SafetensorsFile(path: folder.file("runs/tiny/checkpoint.safetensors"))
            return try #require(file.metadata["step"].flatMap { Int($0) })
        }
        let first = try train(interruption: Executable.waitUntilCatchingInterrupt)
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output.hasPrefix("stopped after "))
        #expect(first.output.contains("--resume"))
        let reached = try step()
        #expect(reached >= 1)
        #expect(
            files(in: "runs/tiny/") == [
                "checkpoint.safetensors", "log.jsonl", "recipe.yaml", "run.json", "run.lock",
                "tiny.safetensors",
            ])
        let second = try train("--resume", interruption: Executable.waitUntilCatchingInterrupt)
        #expect(second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("continuing at step \(reached)"))
        #expect(try step() > reached)
    }

    @Test func recipesThatCannotBeUsed() throws {
        func expect(_ status: Int32, _ causes: String, _ text: String?) throws {
            if let text { try folder.write(text, as: "wrong.yaml") }
            try expectFailure(
                ["train", "wrong.yaml", "--data", "photos", "--output", "runs/tiny"], in: folder,
                status: status,
                naming: "wrong.yaml", causes)
        }
        let sound = Self.recipe(steps: 3)
        func with(_ old: String, _ new: String) -> String {
            let text = sound.replacingOccurrences(of: old, with: new)
            #expect(text != sound)
            return text
        }
        try expect(66, "cannot be read", nil)
        try expect(65, "'optimizer.learningRate' is missing", with("  learningRate: 1.0e-3\n", ""))
        try expect(65, "'budget' is missing", sound.components(separatedBy: "\nbudget")[0])
        try expect(65, "line 24: 'optimizer.batchSize' is 'two'", with("batchSize: 2", "batchSize: two"))
        try expect(
            65, "line 16: 'optimizer.lerningRate' is not a known key, did you mean 'optimizer.learningRate'?",
            with("learningRate", "lerningRate"))
        try expect(65, "cannot be used", "name: [unfinished")
        try expect(65, "cannot be used", "")
        try expect(65, "deblurring", with("task: sr3", "task: deblurring"))
        try expect(65, "patchSize", with("patchSize: 16", "patchSize: 17"))
        try expect(65, "ᾱ_T", with("linear:1e-6:1e-2:2000", "linear:1e-6:1e-2:20"))
        try expect(65, "baseWidth", with("baseWidth: 8", "baseWidth: 7"))
        for scale in ["0", "-4", "9", "4000000000000000000"] {
            try expect(65, "scale", with("  scale: 4", "  scale: \(scale)"))
        }
        try expect(65, "sampling.steps", with("steps: 2, eta", "steps: 101, eta"))
        try expect(65, "budget.steps", with("steps: 3,", "steps: 0,"))
    }

    @Test func valuesAreSetBesideTheRecipe() throws {
        let outcome = try train("--set", "budget=2 steps", "--set", "optimizer.learningRate=3e-4")
        try #require(outcome.status == 0, "\(outcome.errors)")
        let checkpoint = try SafetensorsFile(path: folder.file("runs/tiny/checkpoint.safetensors"))
        #expect(checkpoint.metadata["step"] == "2")
        let kept = try #require(checkpoint.metadata["recipe"])
        #expect(kept.contains("  learningRate: 3e-4\n") && kept.contains("budget: 2 steps\n"))
        // A resumed run is asked the same.
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos", "--output", "runs/tiny", "--resume"], in: folder,
            status: 65, naming: "another version of this recipe")
        let again = try train(
            "--resume", "--set", "budget=2 steps", "--set", "optimizer.learningRate=3e-4")
        #expect(again.status == 0, "\(again.errors)")
        // With a larger budget it goes on.
        let longer = try train(
            "--resume", "--set", "budget=4 steps", "--set", "optimizer.learningRate=3e-4")
        try #require(longer.status == 0, "\(longer.errors)")
        let last = try SafetensorsFile(path: folder.file("runs/tiny/checkpoint.safetensors"))
        #expect(last.metadata["step"] == "4")
        #expect(last.metadata["recipe"]?.contains("budget: 4 steps\n") == true)
    }

    @Test(arguments: [
        ("optimizer.lerningRate=1", "did you mean 'optimizer.learningRate'?"),
        ("optimizer.batchSize=0", "'optimizer.batchSize' is '0', and must be a whole number from 1 to 4096"),
        ("optimizer", "KEY=VALUE"), ("name.first=1", "'name' has no key 'first'"),
    ])
    func valuesThatCannotBeSet(change: String, naming cause: String) throws {
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos", "--output", "runs/tiny", "--set", change], in: folder,
            status: 64, naming: "--set \(change)", cause)
    }

    @Test func theSchemaIsPrinted() throws {
        let outcome = try succeed(["train", "--schema"], in: folder)
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect(object?["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    }

    @Test func dataThatCannotBeUsed() throws {
        func expect(_ data: String, _ cause: String) throws {
            try expectFailure(
                ["train", "tiny.yaml", "--data", data, "--output", "tiny"], in: folder, status: 65,
                naming: cause)
        }
        try FileManager.default.createDirectory(
            atPath: folder.file("empty"), withIntermediateDirectories: false)
        try expect("absent", "'absent'")
        try expect("empty", "'empty'")
        try expectFailure(
            ["train", "tiny.yaml", "--output", "tiny"], in: folder, status: 64, naming: "--data",
            "RESTORE_DATA")
    }

    @Test func outputsThatCannotBeMade() throws {
        try folder.write("in the way", as: "taken")
        for output in ["taken", "taken/run", "/proc/run"] {
            try expectFailure(
                ["train", "tiny.yaml", "--data", "photos", "--output", output], in: folder, status: 73,
                naming: output)
        }
    }
}
