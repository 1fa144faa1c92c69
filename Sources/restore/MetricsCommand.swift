import ArgumentParser
import Evaluation
import Foundation
import Metrics
import Tensors
import Training

extension NIQE.Luma: ExpressibleByArgument {}

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Measures pictures, alone or against their originals.",
        discussion: """
            Takes two files, or two folders with pictures of the same names; with one file
            or folder alone, what needs no reference (NIQE). The protocol is printed too.

            Metrics of pictures are psnr, ssim (over all colours), psnr-y, ssim-y, ms-ssim
            (on Y), niqe, sfd (squeezenet feature distance), lpips-alex, lpips-vgg,
            lpips-squeeze, colour-shift, lr-consistency; of folders fid and kid, over the
            features of --features. LPIPS needs weights of torchvision that you download:
            asking for it says which.

            Examples:
              restore metrics out.png original.png
              restore metrics outputs/ originals/ --border 4 --csv numbers.csv
              restore metrics outputs/ originals/ --metrics ssim,niqe,kid --json out.json
              restore metrics outputs/ --metrics lr-consistency --lr inputs/
            """)

    @Argument(help: "A picture, or a folder of pictures.") var output: String

    @Argument(help: "Its original, or the folder of originals.") var reference: String?

    @Option(
        help: ArgumentHelp(
            "What to measure, separated by commas (default: what needs no weights, and sfd and niqe where theirs are there).",
            valueName: "names"))
    var metrics: String?

    @Option(help: "Pixels to leave out on each side.")
    var border = 0

    @Flag(help: "Round Y to whole levels, as MATLAB scripts do.")
    var roundLuma = false

    @Flag(help: "Do not round pictures to 8 bits for PSNR, SSIM and MS-SSIM.")
    var noRound = false

    @Option(
        help: "Low-resolution input, or the folder of inputs, for lr-consistency.", completion: .directory)
    var lr: String?

    @Option(
        help: "A trunk of torchvision or heads of LPIPS (repeat for more; default: metrics/ under --data).")
    var weights: [String] = []

    @Option(
        help:
            "Model of natural photographs (default: metrics/niqe_pristine.safetensors under --data, else the refitted one of this program)."
    )
    var niqeModel: String?

    @Option(help: "Gray for NIQE: gray as its authors, y as many super-resolution papers.")
    var niqeLuma = NIQE.Luma.gray

    @Option(help: "Features for fid and kid: squeezenet (of SFD), alex or vgg (of torchvision).")
    var features = FeatureChoice.squeezenet

    @OptionGroup var measuring: MeasuringOptions

    @Option(help: "Also write all numbers to this JSON file; infinite ones as \"inf\", missing ones as null.")
    var json: String?

    func validate() throws {
        guard (0...10_000).contains(border) else { throw ValidationError("--border must be from 0 to 10000") }
        for name in names ?? [] where PictureMetric(rawValue: name) == nil {
            let known = PictureMetric.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--metrics: '\(name)' is none of \(known)")
        }
    }

    private var names: [String]? {
        metrics?.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    func run() throws {
        for file in [measuring.csv, json].compactMap(\.self) { try OutputCheck.writable(file) }
        let isFolder = try requireOneKind()
        let found = try MetricWeights(
            files: weights, niqeModel: niqeModel, features: features, from: measuring)
        let options = try options(found, isFolder: isFolder)
        let measurement = try PictureMeasurement(options, weights: found.load(for: options.metrics))
        let pairs = measurement.columns.isEmpty ? [] : try pairs(isFolder: isFolder)
        Interrupt.watch()
        Device.keepFreedMemory()
        let rows = try rows(pairs, measurement)
        let sets = try setValues(measurement)
        let mean = rows.count > 1 ? EvaluationTable.mean(of: rows) : nil
        show(rows, mean, sets, measurement)
        if let csv = measuring.csv {
            try OutputCheck.write([measurement.table.header] + rows.map(measurement.table.line), to: csv)
        }
        if let json {
            let report = MeasurementReport(
                protocolText: measurement.protocolText, columns: measurement.columns, rows: rows, mean: mean,
                sets: sets)
            try OutputCheck.write([report.text()], to: json)
        }
    }

    private func options(_ weights: MetricWeights, isFolder: Bool) throws -> PictureMeasurement.Options {
        var chosen: [PictureMetric] = []
        for metric in (names ?? []).compactMap(PictureMetric.init) where !chosen.contains(metric) {
            chosen.append(metric)
        }
        if names == nil {
            chosen = weights.defaultMetrics(hasReference: reference != nil, hasLR: lr != nil)
        }
        for metric in chosen {
            if metric.needsReference, reference == nil {
                throw CommandError.usage(
                    "\(metric.rawValue) needs the original as well: name it after '\(output)'")
            }
            if metric.isOfSets, !isFolder {
                throw CommandError.usage("\(metric.rawValue) is a distance of sets: name two folders")
            }
        }
        if chosen.contains(.lrConsistency), lr == nil {
            throw CommandError.usage("lr-consistency needs --lr, the low-resolution input")
        }
        if measuring.csv != nil, chosen.allSatisfy(\.isOfSets) {
            throw CommandError.usage("--csv has a line for each picture: --json takes fid and kid")
        }
        var options = PictureMeasurement.Options(metrics: chosen)
        options.border = border
        options.roundsLuma = roundLuma
        options.roundsTo8Bits = !noRound
        options.niqeLuma = niqeLuma
        return options
    }

    // MARK: files

    /// Whether folders are measured; files and folders do not go together.
    private func requireOneKind() throws -> Bool {
        let paths = [output, reference, lr].compactMap(\.self)
        let kinds = try paths.map { path in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw CommandError.missing("there is no file or folder '\(path)'")
            }
            return isFolder.boolValue
        }
        for (path, kind) in zip(paths, kinds) where kind != kinds[0] {
            throw CommandError.usage("'\(output)' and '\(path)' must both be files or both be folders")
        }
        return kinds[0]
    }

    private func pairs(isFolder: Bool) throws -> [PicturePair] {
        guard isFolder else { return [PicturePair(output: output, reference: reference)] }
        if let reference { return try PicturePair.pairs(outputs: output, references: reference) }
        return try PicturePair.pictures(in: output).map { PicturePair(output: $0) }
    }

    /// The low-resolution input of each output.
    private func inputs(of pairs: [PicturePair]) throws -> [String: String] {
        guard let lr, let first = pairs.first else { return [:] }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: lr, isDirectory: &isFolder), isFolder.boolValue else {
            return [first.output: lr]
        }
        let found = try PicturePair.pairs(outputs: output, references: lr)
        return Dictionary(found.compactMap { pair in pair.reference.map { (pair.output, $0) } }) { first, _ in
            first
        }
    }

    // MARK: numbers

    private func rows(_ pairs: [PicturePair], _ measurement: PictureMeasurement) throws
        -> [EvaluationTable.Row]
    {
        let inputs = try inputs(of: pairs)
        let bar = ProgressBar("metrics", quiet: pairs.count <= 1)
        defer { bar.finish() }
        return try pairs.enumerated().map { index, pair in
            if Interrupt.isRequested { throw CancellationError() }
            bar.update(index, of: pairs.count)
            return try measurement.row(pair, lr: inputs[pair.output])
        }
    }

    private func setValues(_ measurement: PictureMeasurement) throws -> [PictureMeasurement.SetValue] {
        guard measurement.options.metrics.contains(where: \.isOfSets), let reference else { return [] }
        let sets = try [PicturePair.pictures(in: output), PicturePair.pictures(in: reference)]
        let total = sets[0].count + sets[1].count
        let bar = ProgressBar("features", quiet: false)
        defer { bar.finish() }
        for (index, path) in sets.joined().enumerated() {
            if Interrupt.isRequested { throw CancellationError() }
            bar.update(index, of: total)
            if index < sets[0].count {
                try measurement.addToSets(outputs: [path])
            } else {
                try measurement.addToSets(references: [path])
            }
        }
        return try measurement.setValues()
    }

    private func show(
        _ rows: [EvaluationTable.Row], _ mean: EvaluationTable.Row?, _ sets: [PictureMeasurement.SetValue],
        _ measurement: PictureMeasurement
    ) {
        print("Protocol: \(measurement.protocolText).\n")
        if !rows.isEmpty { print(measurement.table.tableHead) }
        for row in rows { print(measurement.table.tableLine(row)) }
        if var mean {
            mean.set = "mean of \(rows.count)"
            print(measurement.table.tableLine(mean))
        }
        for set in sets {
            let spread = set.standardDeviation.map { String(format: " ± %.6f", $0) } ?? ""
            print(set.metric.rawValue.uppercased() + String(format: " %.6f", set.value) + spread)
        }
    }
}
