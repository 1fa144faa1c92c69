import Foundation
import Tensors
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// What becomes of a run when something goes wrong.
@Suite("Command line: train, recovery")
struct TrainRecoveryTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        for (index, name) in ["a.png", "b.png", "c.png", "d.png"].enumerated() {
            try folder.write(
                TestPictures.waves(width: 40 + index, height: 36).encoded(as: .png), as: "photos/\(name)")
        }
    }

    /// A recipe that writes a checkpoint every few steps.
    private func recipe(steps: Int, _ changes: [(String, String)] = []) throws {
        var text = TrainTests.recipe(steps: steps)
        for (old, new) in [("checkpointMinutes: 10", "checkpointMinutes: 0.001")] + changes {
            try #require(text.contains(old))
            text = text.replacingOccurrences(of: old, with: new)
        }
        try folder.write(text, as: "tiny.yaml")
    }

    private func train(
        _ output: String, _ more: String..., signal: Int32 = SIGINT,
        interruption: ((pid_t) throws -> Void)? = nil
    ) throws -> Executable.Outcome {
        try Executable.run(
            ["train", "tiny.yaml", "--data", "photos", "--output", output, "--threads", "1"] + more,
            in: folder.path, signal: signal, interruption: interruption)
    }

    private func tensors(_ path: String) throws -> [String: [UInt8]] {
        let file = try SafetensorsFile(path: folder.file(path))
        return try Dictionary(
            uniqueKeysWithValues: file.names.map { name in
                (name, try file.withBytes(of: name) { Array($0) })
            })
    }

    /// Killed again and again, wherever it happens to be, a run still ends with the very same numbers.
    @Test func aRunKilledAtAnyMomentEndsTheSame() throws {
        try recipe(steps: 400)
        let straight = try train("straight")
        try #require(straight.status == 0, "\(straight.errors)")
        var random = SystemRandomNumberGenerator()
        var steps: [Int] = []
        for _ in 0..<6 {
            let pause = UInt32.random(in: 20_000...400_000, using: &random)
            let outcome = try train("killed", "--resume", signal: SIGKILL) { process in
                try Executable.waitUntilCatchingInterrupt(process)
                usleep(pause)
            }
            // It may have been done before it was killed.
            #expect(outcome.status == 128 + SIGKILL || outcome.status == 0, "\(outcome.errors)")
            let checkpoint = try? SafetensorsFile(path: folder.file("killed/checkpoint.safetensors"))
            steps.append(checkpoint?.metadata["step"].flatMap { Int($0) } ?? 0)
        }
        #expect(steps == steps.sorted(), "no kill loses what was saved: \(steps)")
        let last = try train("killed", "--resume")
        try #require(last.status == 0, "\(last.errors)")
        print("killed at steps \(steps) of 400")
        for file in ["checkpoint.safetensors", "tiny.safetensors"] {
            let (one, other) = (try tensors("straight/\(file)"), try tensors("killed/\(file)"))
            #expect(one.count > 5 && one == other, "\(file)")
        }
    }

    @Test func aDamagedPictureIsLeftOutAndNamed() throws {
        try recipe(steps: 3)
        try folder.write("not a picture", as: "photos/broken.png")
        let outcome = try train("run")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("broken.png"))
        #expect(outcome.errors.contains("1 picture was left out"))
        try FileManager.default.removeItem(atPath: folder.file("photos"))
        try folder.write("not a picture", as: "photos/broken.png")
        let none = try train("none")
        #expect(none.status == 65)
        #expect(none.errorLines.last?.contains("broken.png") == true)
        #expect(!folder.exists("none"))
    }

    @Test func weightsThatRunAwayEndTheRunWithAReason() throws {
        try recipe(
            steps: 100_000,
            [
                ("learningRate: 1.0e-3", "learningRate: 0.9"), ("{loss: l1}", "{loss: l2}"),
                // Deep enough that a few steps of that size overflow.
                ("multipliers: [1], blocks: 1", "multipliers: [1, 1], blocks: 8"),
            ])
        let outcome = try train("run")
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("the gradient is not finite"))
        #expect(outcome.errors.contains("lower optimizer.learningRate"))
    }

    /// What weights have learnt from stays on the card, however often a run goes on from another.
    @Test func theCardNamesTheDataOfEarlierRuns() throws {
        try recipe(steps: 3)
        #expect(try train("first").status == 0)
        let file = try SafetensorsFile(path: folder.file("first/tiny.safetensors"))
        var card = file.metadata
        card["training_sets"] = "old-photos, frames"
        try SafetensorsWriter.write(
            file.names.map { ($0, try #require(try file.tensor($0))) }, metadata: card,
            to: folder.file("old.safetensors"))
        func sets(_ run: String, from origin: String) throws -> String? {
            let outcome = try train(run, "--continue-from", origin)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try SafetensorsFile(path: folder.file("\(run)/tiny.safetensors")).metadata["training_sets"]
        }
        #expect(try sets("from-model", from: "old.safetensors") == "old-photos, frames")
        #expect(try sets("from-run", from: "from-model") == "old-photos, frames")
        // Resumed, the run has forgotten nothing.
        try recipe(steps: 5)
        #expect(try train("from-run", "--resume").status == 0)
        let resumed = try SafetensorsFile(path: folder.file("from-run/tiny.safetensors")).metadata
        #expect(resumed["training_sets"] == "old-photos, frames" && resumed["steps"] == "5")
    }

    @Test func aRunGoesOnFromAnother() throws {
        try recipe(steps: 20)
        #expect(try train("first").status == 0)
        let second = try train("second", "--continue-from", "first")
        #expect(second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("continuing from tiny after 20 steps, with its optimiser's state"))
        #expect(try tensors("second/checkpoint.safetensors") != tensors("first/checkpoint.safetensors"))
        let card = try SafetensorsFile(path: folder.file("second/tiny.safetensors")).metadata
        #expect(card["continued_from"] == "tiny after 20 steps" && card["steps"] == "20")
        // From a model's file there is no optimiser's state.
        let third = try train("third", "--continue-from", "first/tiny.safetensors")
        #expect(third.errors.contains("without its optimiser's state"))
        // Another network's weights do not fit.
        try recipe(steps: 20, [("blocks: 1", "blocks: 2")])
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos", "--output", "other", "--continue-from", "first"],
            in: folder, status: 65, naming: "first/checkpoint.safetensors", "cannot be continued")
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos", "--output", "other", "--continue-from", "absent"],
            in: folder, status: 66, naming: "absent")
        try expectFailure(
            [
                "train", "tiny.yaml", "--data", "photos", "--output", "first", "--resume", "--continue-from",
                "second",
            ],
            in: folder, status: 64, naming: "--continue-from")
    }

    /// A disk that is full while a run goes on costs the checkpoint, not the run; at the end it is an error.
    @Test(.enabled(if: getuid() == 0, "mounting a small disk takes root"))
    func aFullDiskLeavesNothingHalfWritten() throws {
        try recipe(steps: 60)
        let disk = try folder.file("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try #require(mount("tmpfs", disk, "tmpfs", 0, "size=1m") == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        // Nearly full: room for small files, none for a checkpoint.
        let filler = "disk/filler"
        try folder.write(String(repeating: "x", count: 1 << 20 - 24 * 1024), as: filler)
        let full = try train("disk/run")
        #expect(full.status != 0)
        #expect(full.errors.contains("the run goes on"), "\(full.errors)")
        #expect(full.errors.contains("checkpoint.safetensors"))
        #expect(folder.names.filter { $0.hasPrefix("disk/run/") && $0.contains("safetensors") }.isEmpty)
        try FileManager.default.removeItem(atPath: folder.file(filler))
        let again = try train("disk/run", "--resume")
        #expect(again.status == 0, "\(again.errors)")
        #expect(folder.names.contains("disk/run/tiny.safetensors"))
    }

    /// A second run in the folder of one that goes on is refused, and harms nothing.
    @Test func aFolderHasOneRunAtATime() throws {
        try recipe(steps: 1_000_000)
        let first = try train("run") { process in
            try Executable.waitUntilCatchingInterrupt(process)
            for _ in 0..<5_000 where !folder.exists("run/checkpoint.safetensors") { usleep(2000) }
            let second = try train("run", "--resume")
            #expect(second.status == 75)
            #expect(second.errors.contains("'run' is in use by another run (process \(process))"))
        }
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output.hasPrefix("stopped after "))
    }

    /// What a run writes down: for people, for programs, for TensorBoard.
    @Test func aRunIsWrittenDown() throws {
        try recipe(steps: 45)
        #expect(try train("run", "--set", "optimizer.batchSize=3").status == 0)
        let lines = try String(contentsOfFile: folder.file("run/log.jsonl"), encoding: .utf8).split(
            separator: "\n")
        let values = try lines.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        let steps = values.filter { $0["event"] == nil }
        #expect(steps.compactMap { $0["step"] as? Int } == [20, 40])
        #expect(steps.compactMap { $0["samples"] as? Int } == [60, 120])
        for name in ["loss", "learning_rate", "gradient_norm", "samples_per_second", "seconds"] {
            #expect(steps.allSatisfy { ($0[name] as? Double ?? -1) > 0 }, "\(name)")
        }
        let validation = try #require(values.last { $0["event"] as? String == "validation" })
        #expect(validation["step"] as? Int == 45 && validation["psnr_mean"] is Double)
        #expect(folder.names.contains { $0.hasPrefix("run/events.out.tfevents.") })
        let record = try JSONSerialization.jsonObject(with: Data(folder.bytes("run/run.json")))
        #expect((record as? [String: Any])?["trainingPictures"] as? Int == 3)
        let recipe = String(decoding: try folder.bytes("run/recipe.yaml"), as: UTF8.self)
        #expect(recipe.contains("batchSize: 3") && !recipe.contains("batchSize: 2"))
    }

    @Test func benchmarksWriteNothing() throws {
        try recipe(steps: 3)
        let before = folder.names
        let outcome = try Executable.run(
            ["train", "tiny.yaml", "--data", "photos", "--benchmark", "2"], in: folder.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(folder.names == before)
        let figures = Dictionary(
            uniqueKeysWithValues: outcome.outputLines.map { line in
                let parts = line.components(separatedBy: ": ")
                return (parts[0], parts.count == 2 ? Double(parts[1]) ?? .nan : .nan)
            })
        for name in ["samples per second", "data", "forward", "backward", "optimizer", "GFLOP per step"] {
            #expect(figures[name] ?? .nan >= 0, "\(name)")
        }
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos"], in: folder, status: 64, naming: "--output")
        try expectFailure(
            ["train", "tiny.yaml", "--data", "photos", "--benchmark", "0"], in: folder, status: 64,
            naming: "--benchmark")
    }
}
