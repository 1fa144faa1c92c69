import ArgumentParser
import Foundation
import Tensors
import Training

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "Lists the installed models.",
        discussion: """
            Examples:
              restore models                           a short list
              restore models show sr3-x4               one model's card and recipe
              restore models export Recipes/sr3-x4.yaml --run runs/sr3-x4 -o my.safetensors
            """,
        subcommands: [List.self, Show.self, Export.self],
        defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the installed models.")

        func run() throws {
            let models = ModelStore.all
            guard !models.isEmpty else {
                throw CommandError.missing(
                    "no models are installed (RESTORE_MODELS names a folder of models)")
            }
            for (name, path) in models {
                let file = try openWeights(path)
                let card = file.metadata
                print("\(name)  \(card["description"] ?? "")")
                print(String(format: "  file      %@ (%.1f MB)", path, Double(file.byteCount) / 1e6))
                if let origin = card["imported_from"] {
                    print("  imported  from \(origin)")
                } else {
                    let origin = card["continued_from"].map { ", continued from \($0)" } ?? ""
                    print(
                        "  recipe    as `restore models show \(name)` says, \(card["samples"] ?? "?") training samples"
                            + origin)
                    print("  trained   on \(card["training_sets"] ?? "?")")
                }
                print("  licence   \(card["licence"] ?? "see the model card")")
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Shows a model's card.")

        @Argument(help: "A model's name or file.") var model = ModelStore.defaultSR

        func run() throws {
            let card = try openWeights(ModelStore.path(of: model)).metadata
            for (key, value) in card.sorted(by: { $0.key < $1.key }) where key != "recipe" {
                print("\(key): \(value)")
            }
            if let recipe = card["recipe"] { print("\n\(recipe)") }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Makes a model file of a run, with the sampling defaults its recipe has now.")

        @Argument(help: "The recipe, a YAML file.") var recipe: String
        @Option(name: .customLong("run"), help: "The run's folder.", completion: .directory) var folder:
            String
        @Option(name: [.short, .long], help: "The model file to write.") var output: String

        func run() throws {
            let resolved = try ResolvedRecipe(path: recipe)
            try OutputCheck.writable(output)
            try ModelExport.write(
                resolved.recipe, path: recipe, text: resolved.text, run: folder, to: output)
            print("\(folder) → \(output)")
        }
    }
}
