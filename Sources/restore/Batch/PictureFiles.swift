import ArgumentParser
import Foundation
import ImageFiles
import Parallel

/// Which pictures a command that restores takes, where it writes, and what it tells.
struct PictureFiles: ParsableArguments {
    /// The end of the commands' discussions.
    static let discussion = """
        Several pictures: one that fails is told on standard error and the others go
        on; the exit status is then that of the failures, or 65 where they differ. In
        folders, hidden files and what is not a picture are passed over, and so are
        outputs of earlier runs beside their originals. Under mpirun or srun the ranks
        share the pictures out among them, and rank 0 tells of all.

        --json prints an object a line. For each picture: type ("picture"), input,
        output, status ("done", "skipped" or "failed"), reason, input_width,
        input_height, output_width, output_height, seconds, model, method, seed; null
        where there is nothing to say. At the end: type ("summary"), done, overwritten,
        skipped, existing, failed, seconds, status (the exit status).
        """

    @Flag(name: [.short, .long], help: "Go into folders and restore every picture below them.")
    var recursive = false

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "A file, .png or .jpg, for one picture; a folder for several, laid out as the inputs are; - is standard output (default: beside the input).",
            valueName: "file|folder"))
    var output: String?

    @Option(help: ArgumentHelp("What names of outputs end in, in place of the usual.", valueName: "text"))
    var suffix: String?

    @Option(help: "Type of outputs whose name you do not give; same is the input's.")
    var format = OutputType.png

    @Flag(exclusivity: .exclusive) var existing: ExistingOutput?

    @Option(
        help: "Also write before and after side by side to this PNG.",
        completion: .file(extensions: ["png"]))
    var compare: String?

    @Flag(help: "Tell of each picture, and of the run, as a line of JSON.")
    var json = false

    @Flag(name: [.short, .long], help: "Say nothing unless something fails.")
    var quiet = false

    @OptionGroup(title: "Formats") var formats: PictureFormats

    func validate() throws {
        if let compare, ImageFormat(path: compare) == nil {
            throw ValidationError("'\(compare)' must end in .png, .jpg or .jpeg")
        }
        if let suffix, suffix.contains("/") || suffix.utf8.contains(0) {
            throw ValidationError("--suffix is part of a name: '/' cannot be in it")
        }
        if output == "" { throw ValidationError("--output needs a name") }
    }

    /// What can be told from the flags alone.
    func validate(inputs: [String]) throws {
        guard !inputs.isEmpty else { throw ValidationError("name a picture to restore") }
        if inputs.count > 1 {
            if inputs.contains(InputPicture.standardInput) {
                throw ValidationError("- (standard input) goes with no other picture")
            }
            if compare != nil { throw ValidationError("--compare goes with one picture") }
        }
        if writesToStandardOutput(inputs) {
            if json { throw ValidationError("--json and a picture cannot both go to standard output") }
            if isatty(STDOUT_FILENO) != 0 {
                throw ValidationError("a picture is not written to a terminal: name a file with --output")
            }
        }
        if inputs == [InputPicture.standardInput], isatty(STDIN_FILENO) != 0 {
            throw ValidationError("there is no picture in standard input: it is a terminal")
        }
    }

    private func writesToStandardOutput(_ inputs: [String]) -> Bool {
        output == PictureJob.standardOutput || output == nil && inputs == [InputPicture.standardInput]
    }

    /// Every input with its output.
    ///
    /// - Parameters:
    ///   - suffix: what outputs beside their inputs end in.
    ///   - single: flags that go with one picture, with the file each writes.
    ///   - folders: what else is written into, so not looked for pictures.
    func plan(
        _ arguments: [String], suffix defaultSuffix: String, single: [(flag: String, file: String?)] = [],
        folders: [String] = []
    ) throws -> BatchPlan {
        let inputs = InputList(
            arguments, isRecursive: recursive, excluding: folders + [output].compactMap(\.self))
        let companions = (single + [("--compare", compare)]).filter { $0.file != nil }
        if inputs.isSeveral, let first = companions.first {
            throw CommandError.usage("\(first.flag) goes with one picture")
        }
        let naming = try OutputNaming(
            output: output, suffix: suffix, defaultSuffix: defaultSuffix, type: format, inputs: inputs)
        return try BatchPlan(
            inputs, naming: naming, existing: existing, companions: companions.compactMap(\.file))
    }

    /// The plan that `make` makes, if it is that of every rank.
    ///
    /// - Throws: what `make` throws; `SharedFailure` of several ranks.
    func plan(for ranks: Communicator, _ make: () throws -> BatchPlan) throws -> BatchPlan {
        let plan = try ranks.agree(make)
        // Standard input is rank 0's alone; the ranks' machines may not share their files.
        try ranks.requireSame(plan.summary, "pictures")
        return plan
    }

    /// A picture on standard output has it for itself.
    func reportStyle(of plan: BatchPlan) -> BatchReport.Style {
        if json { return .json }
        return quiet || plan.jobs.contains { $0.output == PictureJob.standardOutput } ? .silent : .lines
    }
}
