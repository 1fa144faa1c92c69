import ArgumentParser
import Deblur
import Foundation
import SR3
import Tensors
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a model on test sets and writes the table.",
        discussion: """
            Each set is a manifest of Datasets/. Super-resolution needs hr and lr parts;
            measured for bicubic and for the model are PSNR and SSIM on Y with a border of
            SCALE pixels cropped, SFD (squeezenet feature distance), LR consistency, and
            colour shift. Deblurring needs blur and sharp parts, or two folders of your
            own; measured for the input, the predictor and the samples' means are PSNR
            over all colours, its gain over the input, SSIM on Y, SFD, and colour shift.

            Examples:
              restore evaluate --sets set14,bsd100 --data DIR --steps 1,2,4 --csv out.csv
              restore evaluate --model deblur --sets gopro-val --data DIR --samples 1,8
              restore evaluate --model deblur --blurred DIR --sharp DIR
            """)

    @Option(help: "Names of data sets, separated by commas (default for super-resolution: set14).")
    var sets: String?

    @Option(
        help: "Where the sets lie (repeat for more folders; default: RESTORE_DATA).", completion: .directory)
    var data: [String] = []

    @Option(help: "Deblurring: a folder of blurred pictures, instead of --sets.", completion: .directory)
    var blurred: String?

    @Option(help: "Deblurring: their sharp pictures, of the same names.", completion: .directory)
    var sharp: String?

    @Option(
        help: ArgumentHelp(
            "Deblurring: search for a displacement of up to this many pixels within each pair.",
            valueName: "pixels"))
    var align = 0

    @Option(help: "A model's name or file.")
    var model = ModelStore.defaultSR

    @Option(help: "Numbers of steps to measure, separated by commas (default: the model's).")
    var steps: String?

    @Option(
        help:
            "Deblurring: places of the knob to measure, separated by commas, instead of --steps and --samples."
    )
    var perception: String?

    @Option(help: "Deblurring: noise level at which sampling starts, above 0 to 1.")
    var maxNoise: Double?

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @Option(help: "Numbers of samples to average, separated by commas; one number for super-resolution.")
    var samples = "1"

    @Option(help: "Seed of the noise.")
    var seed: UInt64 = 0

    @Flag(inversion: .prefixedNo, help: "Super-resolution: make the shrunk result agree with the input.")
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
        if let steps, Self.numbers(steps) == nil {
            throw ValidationError("--steps takes numbers separated by commas, such as 1,2,4")
        }
        guard let counts = Self.numbers(samples), counts.allSatisfy({ $0 <= 1000 }) else {
            throw ValidationError("--samples must be from 1 to 1000, several separated by commas")
        }
        if let perception, Self.places(perception) == nil {
            throw ValidationError("--perception takes numbers from 0 to 1 separated by commas")
        }
        if let maxNoise, !(maxNoise > 0 && maxNoise <= 1) {
            throw ValidationError("--max-noise must be above 0 and at most 1")
        }
        guard (0...64).contains(align) else { throw ValidationError("--align must be from 0 to 64") }
        guard (blurred == nil) == (sharp == nil) else {
            throw ValidationError("--blurred and --sharp go together")
        }
        if blurred != nil, sets != nil { throw ValidationError("--blurred and --sets exclude each other") }
    }

    private static func numbers(_ text: String) -> [Int]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let known = parts.compactMap(\.self)
        return known.count == parts.count && known.allSatisfy { $0 > 0 } ? known : nil
    }

    private static func places(_ text: String) -> [Double]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        let known = parts.compactMap(\.self)
        return known.count == parts.count && known.allSatisfy { (0...1).contains($0) } ? known : nil
    }

    func run() throws {
        if let csv { try OutputCheck.writable(csv) }
        let path = try ModelStore.path(of: model)
        let isDeblur = try SafetensorsFile(path: path).metadata["format"] == DeblurModel.format
        let roots = DataRoots.resolved(data)
        guard !roots.isEmpty || blurred != nil else {
            throw CommandError.usage("--data (or RESTORE_DATA) must say where the sets lie")
        }
        Interrupt.watch()
        let trunk = squeezenet ?? DataRoots.squeezenet(roots)
        let lines =
            try isDeblur
            ? evaluateDeblurring(path, roots, trunk) : evaluateSuperResolution(path, roots, trunk)
        if let csv { try OutputCheck.write(lines, to: csv) }
    }

    private func names(_ standard: String?) throws -> [String] {
        guard let names = sets ?? standard else {
            throw CommandError.usage("--sets, or --blurred and --sharp, must say what to measure on")
        }
        return names.split(separator: ",").map(String.init)
    }

    // MARK: tasks

    private func evaluateSuperResolution(_ path: String, _ roots: [String], _ trunk: String?) throws
        -> [String]
    {
        for (flag, given) in [
            ("--blurred", blurred != nil), ("--align", align != 0), ("--perception", perception != nil),
            ("--max-noise", maxNoise != nil),
        ] where given {
            throw CommandError.usage("\(flag) is for deblurring models, and '\(model)' is none")
        }
        guard let count = Int(samples) else {
            throw CommandError.usage("--samples takes one number for super-resolution")
        }
        let restorer = try SR3Restorer(SR3Model.load(path, device: machine.resolved()))
        let evaluation = try SREvaluation(
            restorer: restorer, squeezenet: trunk, isCancelled: { Interrupt.isRequested })
        let table = SREvaluation.table
        var lines = [table.header]
        print(table.tableHead)
        for set in try names("set14") {
            let manifest = try DatasetManifest(named: set, in: Installation.manifests)
            let pairs = try SREvaluation.pairs(of: manifest, roots: roots, limit: limit)
            lines += show(try evaluation.bicubic(pairs, set: set), table)
            for number in steps.flatMap(Self.numbers) ?? [nil] as [Int?] {
                let settings = try sampling.merged(
                    into: restorer.model.configuration.sampling, steps: number)
                var options = try SR3Restorer.Options(
                    defaults: settings, scale: Double(restorer.model.configuration.scale))
                options.samples = count
                options.seed = seed
                options.consistency = consistency
                options.isCancelled = { Interrupt.isRequested }
                var label = "\(settings.method.rawValue) \(settings.steps)"
                if settings.temperature != 1 { label += " τ=\(settings.temperature)" }
                if count > 1 { label += " × \(count)" }
                let bar = ProgressBar("\(set) \(label)", quiet: false)
                let rows = try evaluation.model(pairs, set: set, label: label, options: options) {
                    bar.update($0, of: pairs.count)
                }
                bar.finish()
                lines += show(rows, table)
            }
        }
        return lines
    }

    private func evaluateDeblurring(_ path: String, _ roots: [String], _ trunk: String?) throws -> [String] {
        let restorer = try DeblurRestorer(DeblurModel.load(path, device: machine.resolved()))
        let evaluation = try DeblurEvaluation(
            restorer: restorer, squeezenet: trunk, seed: seed, alignment: align,
            isCancelled: { Interrupt.isRequested })
        let table = DeblurEvaluation.table
        let methods = try deblurMethods(restorer.model.configuration)
        let work: [(name: String, pairs: [DeblurEvaluation.Pair])]
        if let blurred, let sharp {
            let pairs = try DeblurEvaluation.pairs(blurred: blurred, sharp: sharp, limit: limit)
            work = [((blurred as NSString).lastPathComponent, pairs)]
        } else {
            work = try names(nil).map { set in
                let manifest = try DatasetManifest(named: set, in: Installation.manifests)
                return (set, try DeblurEvaluation.pairs(of: manifest, roots: roots, limit: limit))
            }
        }
        var lines = [table.header]
        print(table.tableHead)
        for (name, pairs) in work {
            let bar = ProgressBar(name, quiet: false)
            let rows = try evaluation.run(pairs, set: name, methods: methods) {
                bar.update($0, of: pairs.count)
            }
            bar.finish()
            var order: [String] = []
            for row in rows where !order.contains(row.method) { order.append(row.method) }
            for method in order { lines += show(rows.filter { $0.method == method }, table) }
        }
        return lines
    }

    private func deblurMethods(_ model: DeblurConfiguration) throws -> [DeblurEvaluation.Method] {
        if let places = perception.flatMap(Self.places) {
            return try places.map { place in
                let choice = try DeblurChoice(
                    model, sampling: sampling, perception: place, steps: nil, samples: nil,
                    maximumNoise: maxNoise)
                return .init(
                    label: "perception \(place): \(choice.method)", sampling: choice.sampling,
                    samples: [choice.samples])
            }
        }
        let counts = (Self.numbers(samples) ?? [1]).sorted()
        return try (steps.flatMap(Self.numbers) ?? [nil] as [Int?]).map { number in
            let choice = try DeblurChoice(
                model, sampling: sampling, perception: nil, steps: number, samples: 1,
                maximumNoise: maxNoise)
            return .init(label: choice.method, sampling: choice.sampling, samples: counts)
        }
    }

    /// Prints the mean and returns all lines for the file.
    private func show(_ rows: [EvaluationTable.Row], _ table: EvaluationTable) -> [String] {
        guard let mean = EvaluationTable.mean(of: rows) else { return [] }
        print(table.tableLine(mean))
        return rows.map(table.line) + [table.line(mean)]
    }
}
