import ArgumentParser
import Foundation
import Interchange

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a model for PyTorch, with a loader.",
        discussion: """
            Three files: the weights in float32, their configuration as JSON, and
            \(PyTorchExport.loaderName), which needs PyTorch alone. To make a model file of a
            training run, see 'restore models export'.

            Examples:
              restore export sr3-x4 -o sr3-x4-torch
              restore export my.safetensors -o torch/my.safetensors
              cd sr3-x4-torch && python \(PyTorchExport.loaderName) model.safetensors
            """)

    @Argument(help: "A model's name (see 'restore models') or file.")
    var model: String

    @Option(
        name: [.short, .long],
        help: "A folder, made where there is none; or a .safetensors file, the others beside it.")
    var output: String

    func run() throws {
        let isFile = output.hasSuffix(".safetensors")
        let folder = isFile ? output.folderOfPath : output
        let weights = isFile ? output : "\(folder)/model.safetensors"
        let settings = isFile ? (output as NSString).deletingPathExtension + ".json" : "\(folder)/config.json"
        let loader = (folder.isEmpty ? "" : "\(folder)/") + PyTorchExport.loaderName
        let source = try ModelStore.path(of: model)
        if !folder.isEmpty { try OutputCheck.creatable(folder: folder) }
        guard FileKey(source) != FileKey(weights) else {
            throw CommandError.usage("'\(weights)' is the model itself")
        }
        let export = try PyTorchExport(model: source)
        if !folder.isEmpty { try OutputCheck.makeFolder(folder) }
        for file in [weights, settings, loader] { try OutputCheck.writable(file) }
        try OutputCheck.write(text: PyTorchExport.loader, to: loader)
        try OutputCheck.write(text: export.configuration + "\n", to: settings)
        try export.writeWeights(to: weights)
        print("\(source) → \(weights), \(settings), \(loader)")
    }
}
