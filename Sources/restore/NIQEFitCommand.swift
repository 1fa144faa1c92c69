import ArgumentParser
import Evaluation
import Foundation
import ImageFiles
import ImageTensors
import Metrics
import Training

struct NIQEFitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "niqe-fit",
        abstract: "Fits a model for NIQE to pristine photographs.",
        discussion: """
            Only blocks of 96×96 pixels whose sharpness is above 0.75 of the photograph's
            sharpest count, as in the paper. Numbers of a refitted model compare with each
            other, not with published ones.

            Examples:
              restore niqe-fit photos/ -o my-niqe.safetensors
              restore metrics out.png --niqe-model my-niqe.safetensors
            """)

    @Argument(help: "Photographs, or folders of photographs.") var photos: [String]

    @Option(
        name: [.short, .long], help: "Where to write the model.",
        completion: .file(extensions: ["safetensors"]))
    var output: String

    @Option(help: "What the photographs are, for the model's file and the protocol (default: their number).")
    var name: String?

    @Option(help: "Gray for NIQE: gray as its authors, y as many super-resolution papers.")
    var niqeLuma = NIQE.Luma.gray

    func run() throws {
        try OutputCheck.writable(output)
        let paths = try photos.flatMap { path -> [String] in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw CommandError.missing("there is no file or folder '\(path)'")
            }
            return isFolder.boolValue ? try PicturePair.pictures(in: path) : [path]
        }
        Interrupt.watch()
        let bar = ProgressBar("niqe-fit", quiet: paths.count == 1)
        var fit = NIQEModelFit(luma: niqeLuma)
        for (index, path) in paths.enumerated() {
            if Interrupt.isRequested { throw CancellationError() }
            bar.update(index, of: paths.count)
            let image = try Image.read(from: path)
            guard NIQE.blockCount(height: image.height, width: image.width) > 0 else {
                throw DataError(
                    "'\(path)' has \(image.width)×\(image.height) pixels: at least one block of 96×96 is needed"
                )
            }
            try fit.add(image.tensor(channels: image.colorChannels))
        }
        bar.finish()
        guard fit.hasEnoughBlocks else {
            throw DataError(
                "\(fit.blockCount) sharp blocks in \(fit.pictureCount) photographs are too few for a model: name more photographs"
            )
        }
        // Folders as they were named on the command line could be private: only their last part is kept.
        let named = photos.map { ($0 as NSString).lastPathComponent }
        let shown = named.count > 4 ? named.prefix(4) + ["…"] : named[...]
        try fit.model().save(
            to: output,
            metadata: [
                "fitted_on": name ?? "\(paths.count) photographs of \(shown.joined(separator: ", "))",
                "command":
                    "restore niqe-fit \(shown.joined(separator: " ")) --niqe-luma \(niqeLuma.rawValue)",
                "description": "NIQE model, refitted",
            ])
        print("\(output): \(fit.blockCount) sharp blocks of \(fit.pictureCount) photographs")
    }
}
