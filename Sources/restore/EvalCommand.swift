import ArgumentParser
import Evaluation

struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measures a model on a test set.",
        discussion: """
            Prints a table of means with 95 % confidence intervals and seconds a picture,
            beside the base lines: bicubic, or the blurred input and the predictor alone.
            With --json or --csv a run that was stopped goes on where it was.

            Examples:
              restore eval sr --data set14 --steps 1,2,4 --json set14.json
              restore eval sr --sets set14,bsd100 --data DIR --csv out.csv
              restore eval deblur --data DIR-with-blur-and-sharp --samples 1,8
            """,
        subcommands: [SuperResolution.self, Deblurring.self])

    struct SuperResolution: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sr",
            abstract: "Measures super-resolution on pictures and their reductions.",
            discussion: """
                --data is a folder with hr/ and lr/ (or lr_x4/), or, with --sets, where the
                sets of Datasets/ lie. PSNR and SSIM are on Y with a border of SCALE pixels
                cropped, as in the benchmarks' tables.
                """)

        @OptionGroup(title: "Super-resolution") var task: SREvaluationOptions
        @OptionGroup(title: "Pictures") var inputs: EvaluationInputs
        @OptionGroup(title: "Methods, several separated by commas") var grid: MethodGrid
        @OptionGroup(title: "Files") var files: EvaluationFiles
        @OptionGroup(title: "Machine") var machine: InferenceOptions

        func run() throws {
            try files.check()
            try files.write(task.work(inputs, grid, machine))
        }
    }

    struct Deblurring: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deblur",
            abstract: "Measures deblurring on blurred pictures and their sharp originals.",
            discussion: """
                --data is a folder with blur/ and sharp/, or, with --sets, where the sets of
                Datasets/ lie; --blurred and --sharp name two folders. PSNR is over all
                colours, nothing is cropped.
                """)

        @OptionGroup(title: "Deblurring") var task: DeblurEvaluationOptions
        @OptionGroup(title: "Pictures") var inputs: EvaluationInputs
        @OptionGroup(title: "Methods, several separated by commas") var grid: MethodGrid
        @OptionGroup(title: "Files") var files: EvaluationFiles
        @OptionGroup(title: "Machine") var machine: InferenceOptions

        func run() throws {
            try files.check()
            try files.write(task.work(inputs, grid, machine))
        }
    }
}

/// What an evaluation leaves behind.
struct EvaluationFiles: ParsableArguments {
    @Option(help: "Also write one JSON file: command, versions, seed, model, protocol, all numbers.")
    var json: String?

    @Option(help: "Also write every picture's numbers to this CSV file.")
    var csv: String?

    func check() throws {
        for path in [json, csv].compactMap(\.self) { try OutputCheck.writable(path) }
    }

    /// Measures, prints the table and writes the files; the journal beside them lives until then.
    func write(_ work: EvaluationWork) throws {
        let journal = try work.journal(path: (json ?? csv).map { $0 + ".journal" })
        let results = try work.results(journal: journal, gallery: nil)
        guard work.ranks.isRoot else { return }
        let format = EvaluationFormat(work.evaluator.metrics)
        for line in format.table(EvaluationSummary.summaries(of: results, work.evaluator.metrics)) {
            print(line)
        }
        print("\n" + format.protocolLines.joined(separator: "\n"))
        if let csv { try OutputCheck.write(format.csv(results), to: csv) }
        if let json { try OutputCheck.write([work.document(results).json()], to: json) }
        journal.remove()
    }
}
