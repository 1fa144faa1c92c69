import ArgumentParser

/// The command line: parse, call one function, print.
@main
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restores photographs by diffusion: super-resolution with SR3.",
        version: version,
        subcommands: [TrainCommand.self])

    static let version = "0.1.0"
}
