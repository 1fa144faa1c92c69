import ArgumentParser
import Foundation

/// The command line: parse, call one function, print.
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restores photographs by diffusion.",
        discussion: """
            Examples:
              restore sr --scale 4 in.png            writes in_x4.png
              restore sr --scale 2.5 in.jpg -o out.jpg
              restore deblur in.jpg                  writes in_deblurred.png
              restore deblur --samples 8 in.jpg      mean of eight samples: smoother
              restore models                         lists the models that are installed
            """,
        version: version,
        subcommands: [
            SRCommand.self, DeblurCommand.self, DegradeCommand.self, TrainCommand.self, EvalCommand.self,
            SweepCommand.self, MetricsCommand.self, NIQEFitCommand.self, ModelsCommand.self,
            ImportCommand.self, ExportCommand.self, DatasetsCommand.self, BenchmarkCommand.self,
        ])

    static let version = "0.1.0"
}

@main
enum Main {
    static func main() {
        var command: any ParsableCommand
        do {
            command = try Restore.parseAsRoot()
        } catch {
            // Every rank was given the same words; one answers.
            guard Ranks.launchedRank > 0 else { Failure.exit(error) }
            Failure.exit(silently: error)
        }
        do {
            try command.run()
            try Ranks.current.finish()
        } catch {
            Failure.exit(error)
        }
        leave()
    }

    /// Ends the process with success, without the destructors of what libtorch keeps in global variables:
    /// to take its operators apart one by one lasts a tenth of a second, for memory that goes back anyway.
    private static func leave() -> Never {
        fflush(nil)
        _exit(EXIT_SUCCESS)
    }
}
