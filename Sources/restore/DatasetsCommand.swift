import ArgumentParser
import Foundation
import Training

struct DatasetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "datasets",
        abstract: "Lists the known public data sets and checks a copy.",
        discussion: """
            Examples:
              restore datasets
              restore datasets check set14 --data DIR
            """,
        subcommands: [List.self, Check.self],
        defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the known data sets.")

        func run() throws {
            for name in DatasetManifest.names(in: Installation.manifests) {
                let set = try DatasetManifest(named: name, in: Installation.manifests)
                print("\(name)  \(set.title): \(set.use), licence \(set.licence)")
                if let page = set.homepage { print("  \(page)") }
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Compares a copy of a set with its manifest: counts, sizes, checksums.")

        @Argument(help: "The set's name.") var name: String
        @Option(
            help: "Where the set lies (repeat for more folders; default: RESTORE_DATA).",
            completion: .directory)
        var data: [String] = []

        func run() throws {
            let roots = DataRoots.resolved(data)
            guard !roots.isEmpty else {
                throw CommandError.usage("--data (or RESTORE_DATA) must say where the set lies")
            }
            let set = try DatasetManifest(named: name, in: Installation.manifests)
            var failures = 0
            for part in try DatasetCheck.run(set, roots: roots) {
                print("\(part.isSound ? "ok     " : "DIFFERS") \(part.role)  \(part.path): \(part.finding)")
                if !part.isSound { failures += 1 }
            }
            guard failures == 0 else {
                throw CommandError(
                    status: EX_DATAERR,
                    description:
                        "the copy of '\(name)' under \(roots.joined(separator: ", ")) differs from its manifest"
                )
            }
        }
    }
}
