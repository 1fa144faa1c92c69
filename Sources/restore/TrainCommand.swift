import ArgumentParser
import Foundation
import Logging
import Tensors
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a model from a recipe.",
        discussion: """
            The output folder receives checkpoint.safetensors (to resume from),
            NAME.safetensors (the averaged weights, ready for --model), validation.csv and
            validation.png (super-resolution: bicubic | mean prediction | sample |
            original; deblurring: blurred | predictor | mean | sample | original).
            Ctrl-C saves and stops; the same command with --resume goes on, with another
            budget if one is set. Under mpirun or srun each rank takes the recipe's batch
            size, and gradients are averaged.

            Examples:
              restore train Recipes/sr3-x4.yaml --data photos --output runs/sr3-x4
              restore train Recipes/sr3-x4.yaml --data photos --output runs/sr3-x4 --resume
              restore train Recipes/sr3-x4.yaml --data photos --output runs/try --dry-run
              restore train Recipes/sr3-x4.yaml --data photos --output runs/quick \\
                --set budget=9m --set optimizer.learningRate=3e-4
              mpirun -n 4 restore train Recipes/sr3-x4.yaml --data photos --output runs/try
            """)

    @Argument(help: "The recipe, a YAML file.", completion: .file(extensions: ["yaml"]))
    var recipe: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Set a value of the recipe, for example optimizer.batchSize=8 (repeat for more).",
            valueName: "key=value"))
    var changes: [String] = []

    @Option(
        help: "Where the recipe's data sets lie (repeat for more folders; default: RESTORE_DATA).",
        completion: .directory)
    var data: [String] = []

    @Option(help: "The run's folder, made if missing.", completion: .directory)
    var output: String?

    @OptionGroup(title: "Machine") var machine: DeviceOptions

    @Flag(help: "Continue the run in the output folder.")
    var resume = false

    @Option(
        help:
            "Take the first weights from a run's folder, a model's file or name, of the same network or a narrower one; steps are counted anew."
    )
    var continueFrom: String?

    @Option(
        help: ArgumentHelp(
            "Time so many steps, part by part, on this machine, and stop; nothing is written.",
            valueName: "steps"))
    var benchmark: Int?

    @Flag(help: "Check recipe and data, print what would be done, and stop.")
    var dryRun = false

    @Flag(name: .customLong("schema"), help: "Print the JSON Schema of recipes, for editors, and stop.")
    var printsSchema = false

    func validate() throws {
        guard !printsSchema else { return }
        guard recipe != nil else { throw ValidationError("Missing expected argument '<recipe>'") }
        guard output != nil || benchmark != nil else {
            throw ValidationError("--output must name the run's folder")
        }
        guard (1...100_000).contains(benchmark ?? 1) else {
            throw ValidationError("--benchmark must be from 1 to 100000 steps")
        }
        guard !resume || continueFrom == nil else {
            throw ValidationError("--resume goes on with a run as it is: it goes without --continue-from")
        }
    }

    /// A folder or file as it is, else an installed model's.
    private static func path(ofModel name: String) throws -> String {
        FileManager.default.fileExists(atPath: name) ? name : try ModelStore.path(of: name)
    }

    func run() throws {
        guard !printsSchema, let recipe else {
            print(RecipeSchema.json, terminator: "")
            return
        }
        let resolved = try ResolvedRecipe(path: recipe, overrides: changes)
        let loaded = resolved.recipe
        let roots = DataRoots.resolved(data)
        guard !roots.isEmpty else {
            throw CommandError.usage("--data (or RESTORE_DATA) must say where the photographs lie")
        }
        let ranks = try Ranks.start()
        let besideRecipe = (recipe.folderOfPath as NSString)
            .appendingPathComponent("../Datasets")
        var options = Trainer.Options(
            data: roots, output: output ?? "", manifests: [besideRecipe] + Installation.manifests,
            device: try machine.resolved(for: ranks), resume: resume,
            continueFrom: try continueFrom.map(Self.path(ofModel:)))
        options.searchModel = try loaded.data.searchModel.map(Self.path(ofModel:))
        options.version = Restore.version
        options.cache = Installation.cache
        let trainer = Trainer(
            recipe: loaded, recipeText: resolved.text, options: options, ranks: ranks,
            logger: Logger(label: "train"))
        if let benchmark {
            let result = try trainer.benchmark(steps: benchmark)
            if ranks.isRoot { show(result) }
            return
        }
        if dryRun {
            let plan = try trainer.plan()
            guard ranks.isRoot else { return }
            print(
                "\(loaded.name): \(plan.parameters) parameters, \(plan.training) pictures to train on, \(plan.validation) to validate on; nothing was written"
            )
            return
        }
        Interrupt.watch()
        let started = Date()
        var shown = Date.distantPast
        let isTerminal = isatty(2) != 0
        let finished = try trainer.run(
            report: { progress in
                guard ranks.isRoot, Date().timeIntervalSince(shown) > (isTerminal ? 0.5 : 30) else { return }
                shown = Date()
                let line = String(
                    format: "step %d  loss %.4f  %.1f samples/s  ETA %d:%02d:%02d", progress.step,
                    progress.loss,
                    progress.samplesPerSecond, Int(progress.secondsLeft) / 3600,
                    Int(progress.secondsLeft) / 60 % 60, Int(progress.secondsLeft) % 60)
                FileHandle.standardError.write(Data((isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n").utf8))
            }, isCancelled: { Interrupt.isRequested })
        guard ranks.isRoot else { return }
        if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
        let minutes = String(format: "%.1f", Date().timeIntervalSince(started) / 60)
        print(
            finished
                ? "trained \(loaded.name) in \(minutes) min: \(trainer.weightsPath)"
                : "stopped after \(minutes) min; the same command with --resume continues")
    }

    /// One figure a line, as Benchmarks/train.py reads them.
    private func show(_ result: TrainingBenchmark) {
        func line(_ name: String, _ value: Double, _ digits: Int) {
            print("\(name): \(String(format: "%.\(digits)f", value))")
        }
        line("samples per second", result.samplesPerSecond, 2)
        line("seconds per step", result.secondsPerStep, 4)
        if let plain = result.secondsPerPlainStep { line("seconds per step, call by call", plain, 4) }
        for part in result.seconds { line(part.phase, part.median, 4) }
        line("share outside forward and backward", result.overhead, 3)
        line("GFLOP per step", result.operationsPerStep / 1e9, 1)
        line("GFLOP/s", result.operationsPerStep / result.secondsPerStep / 1e9, 1)
        line("matrix product GFLOP/s", result.matrixProductRate / 1e9, 1)
        line("model FLOP utilisation", result.utilization, 3)
        line("processors", result.processors, 2)
    }
}
