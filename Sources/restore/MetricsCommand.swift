import ArgumentParser
import Evaluation
import Foundation
import Training

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Measures pictures against their originals.",
        discussion: """
            PSNR over all colours and on Y, SSIM on Y, SFD (squeezenet feature distance,
            where its weights are given) and colour shift, for two files or for two
            folders with pictures of the same names. The protocol is printed with them.

            Examples:
              restore metrics out.png original.png
              restore metrics outputs/ originals/ --border 4 --csv numbers.csv
            """)

    @Argument(help: "A picture, or a folder of pictures.") var output: String

    @Argument(help: "Its original, or the folder of originals.") var reference: String

    @Option(help: "Pixels to leave out on each side.")
    var border = 0

    @Option(
        help: "Where metrics/ lies (repeat for more folders; default: RESTORE_DATA).", completion: .directory)
    var data: [String] = []

    @Option(
        help:
            "SqueezeNet trunk for SFD (default: metrics/squeezenet1_1_caffe_trunk.safetensors under --data).")
    var squeezenet: String?

    @Option(help: "Also write every picture's numbers to this CSV file.")
    var csv: String?

    func validate() throws {
        guard (0...10_000).contains(border) else { throw ValidationError("--border must be from 0 to 10000") }
    }

    func run() throws {
        if let csv { try OutputCheck.writable(csv) }
        let comparison = try PictureComparison(
            border: border, squeezenet: squeezenet ?? DataRoots.squeezenet(DataRoots.resolved(data)))
        let pairs = try pairs()
        let table = PictureComparison.table
        Interrupt.watch()
        let bar = ProgressBar("metrics", quiet: pairs.count == 1)
        let rows = try pairs.enumerated().map { index, pair in
            if Interrupt.isRequested { throw CancellationError() }
            bar.update(index, of: pairs.count)
            return try comparison.row(pair.input, pair.original, name: pair.name, set: pair.name)
        }
        bar.finish()
        print("Protocol: \(comparison.protocolText).\n")
        print(table.tableHead)
        for row in rows { print(table.tableLine(row)) }
        if rows.count > 1, var mean = EvaluationTable.mean(of: rows) {
            mean.set = "mean of \(rows.count)"
            print(table.tableLine(mean))
        }
        if let csv { try OutputCheck.write([table.header] + rows.map(table.line), to: csv) }
    }

    private func pairs() throws -> [EvaluationPair] {
        let kinds = try [output, reference].map { path in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw CommandError.missing("there is no file or folder '\(path)'")
            }
            return isFolder.boolValue
        }
        guard kinds[0] == kinds[1] else {
            throw CommandError.usage("'\(output)' and '\(reference)' must both be files or both be folders")
        }
        guard kinds[0] else {
            return [.init(name: (output as NSString).lastPathComponent, input: output, original: reference)]
        }
        return try EvaluationPair.pairs(inputs: output, originals: reference)
    }
}
