import ArgumentParser
import Foundation
import SR3
import Tensors
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a model on test sets and writes the table.",
        discussion: """
            Each set is a manifest of Datasets/ with hr and lr parts. Measured for bicubic
            and for the model: PSNR and SSIM on Y with a border of SCALE pixels cropped,
            SFD (squeezenet feature distance, with --squeezenet), LR consistency, and
            colour shift.

            Example:
              restore evaluate --sets set14,bsd100 --data DIR --steps 1,2,4 --csv out.csv
            """)

    @Option(help: "Names of data sets, separated by commas.")
    var sets = "set14"

    @Option(
        help: "Where the sets lie (repeat for more folders; default: RESTORE_DATA).", completion: .directory)
    var data: [String] = []

    @Option(help: "A model's name or file.")
    var model = ModelStore.defaultSR

    @Option(help: "Numbers of steps to measure, separated by commas (default: the model's).")
    var steps: String?

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @Option(help: "Number of samples to average.")
    var samples = 1

    @Option(help: "Seed of the noise.")
    var seed: UInt64 = 0

    @Flag(inversion: .prefixedNo, help: "Make the shrunk result agree with the input.")
    var consistency = true

    @Option(help: "Only the first N pictures of each set.")
    var limit: Int?

    @Option(
        help:
            "SqueezeNet trunk for SFD (default: metrics/squeezenet1_1_caffe_trunk.safetensors under --data).")
    var squeezenet: String?

    @Option(help: "Also write every picture's numbers to this CSV file.")
    var csv: String?

    @OptionGroup(title: "Machine") var machine: DeviceOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        guard (1...1000).contains(samples) else { throw ValidationError("--samples must be from 1 to 1000") }
        if let steps, Self.numbers(steps) == nil {
            throw ValidationError("--steps takes numbers separated by commas, such as 1,2,4")
        }
    }

    private static func numbers(_ text: String) -> [Int]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let known = parts.compactMap(\.self)
        return known.count == parts.count && known.allSatisfy { $0 > 0 } ? known : nil
    }

    func run() throws {
        if let csv { try OutputCheck.writable(csv) }
        let roots = DataRoots.resolved(data)
        guard !roots.isEmpty else {
            throw CommandError.usage("--data (or RESTORE_DATA) must say where the sets lie")
        }
        Interrupt.watch()
        let restorer = try SR3Restorer(
            SR3Model.load(ModelStore.path(of: model), device: machine.resolved()))
        let defaults = restorer.model.configuration.sampling
        let trunk =
            squeezenet
            ?? roots.map { "\($0)/metrics/squeezenet1_1_caffe_trunk.safetensors" }.first {
                FileManager.default.fileExists(atPath: $0)
            }
        let evaluation = try SREvaluation(
            restorer: restorer, squeezenet: trunk, isCancelled: { Interrupt.isRequested })
        var lines = [SREvaluation.Row.header]
        print("| set | method | PSNR-Y dB | SSIM-Y | SFD | LR consistency dB | colour shift |")
        print("|---|---|---|---|---|---|---|")
        for set in sets.split(separator: ",").map(String.init) {
            let manifest = try DatasetManifest(named: set, in: Installation.manifests)
            let pairs = try SREvaluation.pairs(of: manifest, roots: roots, limit: limit)
            let bicubic = try evaluation.bicubic(pairs, set: set)
            show(bicubic, lines: &lines)
            for count in steps.flatMap(Self.numbers) ?? [nil] as [Int?] {
                let settings = try sampling.merged(into: defaults, steps: count)
                var options = try SR3Restorer.Options(
                    defaults: settings, scale: Double(restorer.model.configuration.scale))
                options.samples = samples
                options.seed = seed
                options.consistency = consistency
                options.isCancelled = { Interrupt.isRequested }
                var label = "\(settings.method.rawValue) \(settings.steps)"
                if settings.temperature != 1 { label += " τ=\(settings.temperature)" }
                if samples > 1 { label += " × \(samples)" }
                let bar = ProgressBar("\(set) \(label)", quiet: false)
                let rows = try evaluation.model(pairs, set: set, label: label, options: options) {
                    bar.update($0, of: pairs.count)
                }
                bar.finish()
                show(rows, lines: &lines)
            }
        }
        if let csv {
            do {
                try (lines.joined(separator: "\n") + "\n").write(
                    toFile: csv, atomically: true, encoding: .utf8)
            } catch {
                throw CommandError.output("'\(csv)' cannot be written")
            }
        }
    }

    private func show(_ rows: [SREvaluation.Row], lines: inout [String]) {
        lines += rows.map(\.line)
        guard let mean = SREvaluation.Row.mean(of: rows) else { return }
        lines.append(mean.line)
        print(mean.tableLine)
    }
}
