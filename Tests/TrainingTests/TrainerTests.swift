import Diffusion
import Foundation
import ImageTensors
import Logging
import SR3
import Tensors
import Testing

@testable import Training

/// Whole training runs on rendered pictures. One after the other: they draw from libtorch's
/// generator, which is one for the process.
@Suite(.serialized)
struct TrainerTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try RenderedPictures.write(14, to: folder, under: "photos")
    }

    func trainer(_ text: String, output: String, resume: Bool = false) throws -> Trainer {
        Trainer(
            recipe: try Recipe(yaml: text, path: "tiny.yaml"), recipeText: text,
            options: .init(
                data: ["\(folder.path)/photos"], output: "\(folder.path)/\(output)", manifests: [],
                device: .cpu,
                resume: resume),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func tensors(_ output: String) throws -> [String: [UInt8]] {
        let file = try SafetensorsFile(path: "\(folder.path)/\(output)/checkpoint.safetensors")
        return try Dictionary(
            uniqueKeysWithValues: file.names.map { ($0, try #require(try file.tensor($0)).bytes()) })
    }

    /// Rows of validation.csv as numbers by column.
    func curve(_ output: String) throws -> [[String: Double]] {
        let text = try String(contentsOfFile: "\(folder.path)/\(output)/validation.csv", encoding: .utf8)
        let lines = text.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
        return lines.dropFirst().map { line in
            Dictionary(uniqueKeysWithValues: zip(lines[0], line.map { Double($0) ?? .nan }))
        }
    }

    /// The loss on pictures that are not trained on, over levels and noise that are always the same.
    private func heldOutLoss(_ model: SR3Model) throws -> Double {
        let schedule = try NoiseSchedule(parsing: model.configuration.schedule)
        let objective = Objective(loss: .l2, parameterization: model.configuration.parameterization)
        let levels = (0..<16).map { schedule.trainingLevel((Double($0) + 0.5) / 16, 0.5) }
        return try noGrad {
            let losses = try (100..<104).map { number -> Double in
                let hr = try RenderedPictures.picture(number, side: 64).tensor()
                let lr = try hr.resized(height: 16, width: 16).quantized()
                let condition = try lr.resized(height: 64, width: 64)
                let noise = try NoiseField(seed: UInt64(number)).tensor(
                    step: 0, channels: 48, height: 64, width: 64)
                let batch = [16, 3, 64, 64]
                return try model.loss(
                    objective, hr: hr.expanded(batch), condition: condition.expanded(batch),
                    noise: noise.reshaped(batch), levels: objective.levels(levels, on: .cpu)
                ).item()
            }
            return losses.reduce(0, +) / Double(losses.count)
        }
    }

    /// The run that tells whether training works at all: from nothing to a network that enlarges
    /// edges better than bicubic.
    @Test func aShortRunLowersTheLossAndBeatsBicubic() throws {
        let steps = 1000
        // A patch of 4×4 pixels has 48 numbers: as many channels let its noise through.
        let text = recipeText(["steps": "\(steps)", "baseWidth": "48"])
        let run = try trainer(text, output: "run")
        let plan = try run.plan()
        #expect(plan.training == 12 && plan.validation == 2)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/run"), "a plan writes nothing")

        var reported: [Double] = []
        let start = Date()
        #expect(try run.run(report: { reported.append($0.loss) }, isCancelled: { false }))
        try #require(reported.count == steps)
        // What is reported is a running mean, 2% of each new loss: the losses themselves follow.
        let losses =
            [reported[0]] + zip(reported, reported.dropFirst()).map { $0 + ($1 - $0) / 0.02 }
        func mean(_ part: ArraySlice<Double>) -> Double { part.reduce(0, +) / Double(part.count) }
        let (first, last) = (mean(losses.prefix(20)), mean(losses.suffix(200)))
        let result = try #require(try curve("run").last)
        let (bicubic, mean) = (try #require(result["psnr_bicubic"]), try #require(result["psnr_mean"]))
        print(
            "\(plan.parameters) parameters, \(steps) steps in \(Int(Date().timeIntervalSince(start))) s: mean loss of the first 20 steps \(first), of the last 200 \(last); PSNR bicubic \(bicubic) dB, mean prediction \(mean) dB, sample \(result["psnr_sample"] ?? .nan) dB"
        )
        #expect(last < 0.9 * first)
        #expect(mean > bicubic + 0.5)
        #expect(result["step"] == Double(steps) && result["samples"] == Double(steps * 8))

        // What the run leaves behind: a model that loads and predicts, its card, pictures.
        let model = try SR3Model.load(run.weightsPath)
        #expect(try model.configuration == run.recipe.sr3Model())
        let untrained = try heldOutLoss(SR3Model(run.recipe.sr3Model(), seed: 3))
        let trained = try heldOutLoss(model)
        print("loss on pictures it never saw: \(untrained) untrained, \(trained) trained")
        #expect(trained < 0.85 * untrained)
        #expect(model.metadata["steps"] == "\(steps)" && model.metadata["name"] == "tiny")
        #expect(model.metadata["recipe"] == text)
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/run/validation.png"))
    }

    /// Stopped after six of twelve steps and resumed, a run ends with the very same numbers.
    @Test func aResumedRunIsTheSameRun() throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let text = recipeText()
        #expect(try trainer(text, output: "straight").run(report: { _ in }, isCancelled: { false }))

        var steps: [Int] = []
        let stopped = try trainer(text, output: "resumed").run(
            report: { steps.append($0.step) }, isCancelled: { steps.count == 6 })
        #expect(!stopped)
        #expect(try tensors("resumed") != tensors("straight"))
        #expect(
            try trainer(text, output: "resumed", resume: true).run(
                report: { steps.append($0.step) }, isCancelled: { false }))
        #expect(steps == Array(1...12))

        let (straight, resumed) = (try tensors("straight"), try tensors("resumed"))
        #expect(Set(straight.keys) == Set(resumed.keys))
        for name in straight.keys.sorted() { #expect(straight[name] == resumed[name], "\(name)") }
        #expect(
            straight.keys.contains { $0.hasPrefix("ema.") }
                && straight.keys.contains { $0.hasSuffix(".exp_avg") })
        // The EMA that is saved for inference is another thing than the live weights.
        #expect(straight["model.input.weight"] != straight["ema.input.weight"])

        // The validation is the same, too, up to the wall-clock column.
        for column in ["step", "samples", "psnr_bicubic", "psnr_mean", "psnr_sample"] {
            #expect(try curve("straight").last?[column] == curve("resumed").last?[column], "\(column)")
        }

        // A finished run has nothing left to do.
        var more = 0
        #expect(
            try trainer(text, output: "resumed", resume: true).run(
                report: { _ in more += 1 }, isCancelled: { false }))
        #expect(more == 0)
        // Another recipe must not continue it, nor may it be overwritten by chance.
        let other = try #require(throws: DataError.self) {
            try trainer(recipeText(["steps": "13"]), output: "resumed", resume: true)
                .run(report: { _ in }, isCancelled: { false })
        }
        #expect(other.description.contains("another version of this recipe"))
        let again = try #require(throws: DataError.self) {
            try trainer(text, output: "resumed").run(report: { _ in }, isCancelled: { false })
        }
        #expect(
            again.description
                == "'\(folder.path)/resumed' already holds a run: continue it with --resume, or choose another --output"
        )
        #expect(try tensors("resumed") == resumed, "what was refused changed nothing")
    }

    /// Batches that are made ahead change nothing, nor does a checkpoint know of them: not in a run that is
    /// stopped and resumed.
    @Test(arguments: ["sr3", "deblur"]) func batchesMadeAheadChangeNothing(task: String) throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let text = try task == "sr3" ? recipeText() : deblurText()
        func run(_ output: String, isAhead: Bool, resume: Bool = false, stop: Int? = nil) throws -> [Double] {
            let trainer = try trainer(text, output: output, resume: resume)
            trainer.isAhead = isAhead
            var losses: [Double] = []
            let isFinished = try trainer.run(
                report: { losses.append($0.loss) }, isCancelled: { losses.count == stop })
            #expect(isFinished == (stop == nil))
            return losses
        }
        let losses = try run("plain", isAhead: false)
        let weights = try tensors("plain")
        #expect(try run("ahead", isAhead: true) == losses)
        #expect(try tensors("ahead") == weights)
        let parts = try [
            run("parts", isAhead: true, stop: 3), run("parts", isAhead: true, resume: true, stop: 2),
            run("parts", isAhead: false, resume: true),
        ]
        #expect(parts.flatMap(\.self) == losses)
        #expect(try tensors("parts") == weights)
    }

    /// Killed behind its checkpoint and resumed, a run says everything once, in each of its files; a finished
    /// one that is resumed says nothing more.
    @Test func aKilledRunSaysEverythingOnce() throws {
        // Judged at every step, the last one included.
        let text = recipeText(["validationMinutes": "0", "validationCount": "1"])
            .replacingOccurrences(of: "  steps: 12\n", with: "  steps: 5\n")
        var count = 0
        #expect(
            try !trainer(text, output: "run").run(report: { _ in count += 1 }, isCancelled: { count == 2 }))
        let checkpoint = "\(folder.path)/run/checkpoint.safetensors"
        let early = try #require(FileManager.default.contents(atPath: checkpoint))
        // As a kill leaves it: logs that tell of a step that no checkpoint knows.
        #expect(
            try !trainer(text, output: "run", resume: true)
                .run(report: { _ in count += 1 }, isCancelled: { count == 4 }))
        #expect(try curve("run").compactMap { $0["step"] } == [1, 3])
        try early.write(to: URL(fileURLWithPath: checkpoint))
        for _ in 0..<2 {
            #expect(
                try trainer(text, output: "run", resume: true).run(report: { _ in }, isCancelled: { false }))
            // The step at which a run is stopped is not judged.
            let judged = [1, 3, 4, 5]
            #expect(try curve("run").compactMap { $0["step"] } == judged.map(Double.init))
            let lines = try String(contentsOfFile: RunLog.path(in: "\(folder.path)/run"), encoding: .utf8)
                .split(separator: "\n").map { try JSONSerialization.jsonObject(with: Data($0.utf8)) }
            #expect(lines.compactMap { ($0 as? [String: Any])?["step"] as? Int } == judged)
            let points = try TensorBoardReader.shownPoints(in: "\(folder.path)/run")
            #expect(points.filter { $0.tag == "validation/psnr_mean" }.map(\.step) == judged)
        }
    }

    @Test func anotherSeedIsAnotherRun() throws {
        let changes = ["steps": "1", "validationCount": "0"]
        #expect(try trainer(recipeText(changes), output: "a").run(report: { _ in }, isCancelled: { false }))
        #expect(
            try trainer(recipeText(changes.merging(["seed": "4"]) { $1 }), output: "b")
                .run(report: { _ in }, isCancelled: { false }))
        #expect(try tensors("a")["model.input.weight"] != tensors("b")["model.input.weight"])
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/a/validation.csv"))
    }

    /// What is left out is neither learnt from nor measured on.
    @Test func picturesAreLeftOutByName() throws {
        func trainer(leavingOut names: [String]) throws -> Trainer {
            let list = "exclude: [\(names.joined(separator: ", "))]"
            return try self.trainer(
                recipeText(["validationCount": "3"]).replacingOccurrences(
                    of: "  sets: []\n", with: "  sets: []\n  \(list)\n"), output: "none")
        }
        func names(_ paths: [String]) -> [String] { paths.map { ($0 as NSString).lastPathComponent } }
        let all = try trainer(leavingOut: []).split()
        let everything = names(all.training + all.validation)
        #expect(everything.count == 14)
        let chosen = [try #require(names(all.validation).first), try #require(names(all.training).last)]
        let rest = try trainer(leavingOut: chosen).split()
        #expect(Set(names(rest.training + rest.validation)) == Set(everything).subtracting(chosen))
        #expect(rest.validation.count == 3)
        #expect {
            try trainer(leavingOut: chosen + ["absent.png"]).split()
        } throws: {
            "\($0)" == "data.exclude: there is no picture 'absent.png' to leave out"
        }
        #expect { try trainer(leavingOut: everything).split() } throws: {
            "\($0)" == "data.exclude leaves no picture to learn from"
        }
    }

    @Test func missingDataStopsARunBeforeItStarts() throws {
        let text = recipeText()
        let lost = Trainer(
            recipe: try Recipe(yaml: text, path: "tiny.yaml"), recipeText: text,
            options: .init(
                data: ["\(folder.path)/absent"], output: "\(folder.path)/lost", manifests: [], device: .cpu,
                resume: false),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(throws: DataError.self) { try lost.run(report: { _ in }, isCancelled: { false }) }
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/lost"))
    }
}
