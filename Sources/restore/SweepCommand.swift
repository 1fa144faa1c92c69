import ArgumentParser
import Evaluation
import Foundation
import ImageFiles
import Reports

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Traces the perception-distortion curve of a model.",
        discussion: """
            Measures every combination of steps, samples, samplers and η, and writes a
            folder: curve.csv, curve.svg and curve.png, sweep.json, and report.html, one
            page that needs no network. A sweep that was stopped goes on where it was.
            Under mpirun or srun the ranks share the pictures; the folder is one that
            all of them see, and holds afterwards what one rank alone would write.

            Examples:
              restore sweep sr --data set14 --steps 1,2,5,10,20,50 -o sweep-sr
              restore sweep sr --data set14 --sampler ddpm,ddim,dpm --eta 0,1 -o sweep-sr
              restore sweep deblur --data pairs --steps 1,2,5 --samples 1,8 -o sweep-deblur
              mpirun -n 4 restore sweep sr --data set14 -o sweep-sr
            """,
        subcommands: [SuperResolution.self, Deblurring.self])

    struct SuperResolution: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sr", abstract: "Sweeps super-resolution.",
            discussion: "--data is a folder with hr/ and lr/ (or lr_x4/); see 'restore eval sr --help'.")

        @OptionGroup(title: "Super-resolution") var task: SREvaluationOptions
        @OptionGroup(title: "Pictures") var inputs: EvaluationInputs
        @OptionGroup(title: "Methods, several separated by commas") var grid: MethodGrid
        @OptionGroup(title: "Report") var report: SweepFiles
        @OptionGroup(title: "Machine") var machine: InferenceOptions

        func run() throws {
            try report.write(task.work(inputs, grid.orStandard, machine))
        }
    }

    struct Deblurring: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deblur", abstract: "Sweeps deblurring.",
            discussion: "--data is a folder with blur/ and sharp/; see 'restore eval deblur --help'.")

        @OptionGroup(title: "Deblurring") var task: DeblurEvaluationOptions
        @OptionGroup(title: "Pictures") var inputs: EvaluationInputs
        @OptionGroup(title: "Methods, several separated by commas") var grid: MethodGrid
        @OptionGroup(title: "Report") var report: SweepFiles
        @OptionGroup(title: "Machine") var machine: InferenceOptions

        func run() throws {
            try report.write(task.work(inputs, grid.orStandard, machine))
        }
    }
}

extension MethodGrid {
    /// With the steps and samples of a sweep where none are given.
    var orStandard: MethodGrid {
        var grid = self
        grid.steps = steps ?? NumberList(values: [1, 2, 3, 5, 8, 10, 20, 50])
        return grid
    }
}

/// The folder a sweep writes.
struct SweepFiles: ParsableArguments {
    @Option(name: [.short, .long], help: "The folder to write, made if missing.", completion: .directory)
    var output: String

    @Option(help: "How many pictures the report shows crops of, the first ones of the set.")
    var crops = 3

    @Option(
        help: "A folder of pairs to show in the report instead; they are not measured.",
        completion: .directory)
    var show: String?

    @Option(help: "The report's title.")
    var title: String?

    func validate() throws {
        guard (0...20).contains(crops) else { throw ValidationError("--crops must be from 0 to 20") }
    }

    func write(_ work: EvaluationWork) throws {
        try work.ranks.agree { try OutputCheck.makeFolder(output) }
        let journal = try work.journal(path: file("measurements.jsonl"))
        let shown = try show.map { try EvaluationPair.pairs(in: $0, for: work.task) }
        let names = shown.map { $0.map(\.name) } ?? Array(work.pairs.map(\.pair.name).prefix(crops))
        // Crops of other weights must not be taken for those of these.
        try work.ranks.agree {
            guard work.ranks.isRoot else { return }
            if journal.resumedCount == 0 { try? FileManager.default.removeItem(atPath: file("crops")) }
            try OutputCheck.makeFolder(file("crops"))
        }
        let gallery = CropGallery(folder: file("crops"), pictures: names)
        if let shown {
            _ = try work.results(on: shown.map { ("shown", $0) }, journal: journal, gallery: gallery)
        }
        let results = try work.results(journal: journal, gallery: shown == nil ? gallery : nil)
        _ = try work.ranks.onRoot {
            try journal.unite()
            try write(work, results, gallery)
        }
        if !work.ranks.isRoot { try journal.unite() }
    }

    private func file(_ name: String) -> String { "\(output)/\(name)" }

    private func write(_ work: EvaluationWork, _ results: [EvaluationResult], _ gallery: CropGallery) throws {
        let document = try work.document(results)
        // One curve over all pictures, whatever set they are of.
        let sets = Array(Set(results.map(\.set))).sorted().joined(separator: ", ")
        let summaries = EvaluationSummary.summaries(
            of: results.map { $0.inSet(sets) }, work.evaluator.metrics)
        var pictures: [String: Data] = [:]
        let crops = gallery.pictures.map { name in
            func key(_ id: String) -> String? {
                let key = "\(name)/\(id)"
                guard let data = FileManager.default.contents(atPath: gallery.path(name, id)) else {
                    return nil
                }
                pictures[key] = data
                return key
            }
            let keys = summaries.compactMap { summary in key(summary.point.id).map { (summary.point.id, $0) }
            }
            return SweepReport.Crop(
                name: name, original: key(CropGallery.original) ?? "",
                pictures: Dictionary(keys, uniquingKeysWith: { first, _ in first }), note: "")
        }
        let report = SweepReport(
            title: title ?? "The perception-distortion curve of \(document.model.name)",
            subtitle: "\(summaries.first?.count ?? 0) pictures of \(sets)",
            command: document.command, facts: facts(document),
            metrics: work.evaluator.metrics.map(SweepReport.Metric.init),
            points: summaries.map { SweepReport.Point($0, work.evaluator.metrics) }, crops: crops)
        let svg = try CurveChart(report: report, distortion: nil, perception: nil).svg()
        try OutputCheck.write(Self.csv(summaries, work.evaluator.metrics), to: file("curve.csv"))
        try OutputCheck.write([svg], to: file("curve.svg"))
        try OutputCheck.write([document.json()], to: file("sweep.json"))
        try OutputCheck.write(
            [ReportPage(report: report, pictures: pictures).html()], to: file("report.html"))
        for line in EvaluationFormat(work.evaluator.metrics).table(summaries) { print(line) }
        if SVGRasterizer.isAvailable {
            try SVGRasterizer.png(svg: svg, width: 1600).write(to: URL(fileURLWithPath: file("curve.png")))
        } else {
            print("\ncurve.png was left out: \(SVGRasterizer.missing)")
        }
        print("\n\(file("report.html"))")
    }

    private func facts(_ document: EvaluationDocument) -> [SweepReport.Fact] {
        let names = ["model": document.model.name, "SHA-256 of the weights": document.model.sha256]
        let groups = [names, document.conditions, document.versions, document.machine]
        return groups.flatMap { $0.sorted { $0.key < $1.key } }.map { .init(name: $0.key, value: $0.value) }
            + document.metrics.map { .init(name: $0.title, value: $0.protocolText) }
    }

    /// A line a point: means, half widths of their 95 % confidence intervals, seconds a picture.
    private static func csv(_ summaries: [EvaluationSummary], _ metrics: [EvaluationMetric]) -> [String] {
        let head =
            ["method", "series", "steps", "samples", "pictures"]
            + metrics.flatMap { [$0.name, "\($0.name)_ci95"] } + ["seconds"]
        return [head.joined(separator: ",")]
            + summaries.map { summary in
                let point = summary.point
                let numbers = zip(metrics, summary.values).flatMap { metric, value in
                    [value.mean, value.halfWidth].map { String(format: "%.\(metric.digits.file)f", $0) }
                }
                let names = [
                    point.label, point.series, point.steps.map(String.init) ?? "",
                    point.samples.map(String.init) ?? "", "\(summary.count)",
                ]
                return (names + numbers + [String(format: "%.3f", summary.seconds)]).joined(separator: ",")
            }
    }
}

extension SweepReport.Metric {
    fileprivate init(_ metric: EvaluationMetric) {
        let role: SweepReport.Metric.Role =
            switch metric.role {
            case .distortion: .distortion
            case .perception: .perception
            case .other: .other
            }
        self.init(
            name: metric.name, title: metric.title, unit: metric.unit, isHigherBetter: metric.isHigherBetter,
            digits: metric.digits.table, role: role)
    }
}

extension SweepReport.Point {
    fileprivate init(_ summary: EvaluationSummary, _ metrics: [EvaluationMetric]) {
        let kind: SweepReport.Point.Kind =
            switch summary.point.kind {
            case .input: .input
            case .deconvolution: .deconvolution
            case .predictor: .predictor
            case .sampled: .sampled
            }
        func named(_ value: (EvaluationSummary.Estimate) -> Double) -> [String: Double] {
            let pairs = zip(metrics.map(\.name), summary.values.map(value)).filter { $1.isFinite }
            return Dictionary(pairs.map { ($0, $1) }, uniquingKeysWith: { first, _ in first })
        }
        self.init(
            id: summary.point.id, label: summary.point.label, kind: kind, method: summary.point.series,
            steps: summary.point.steps, samples: summary.point.samples, values: named(\.mean),
            halfWidths: named(\.halfWidth), secondsPerPicture: summary.seconds)
    }
}
