import ArgumentParser
import Deblur
import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import SR3
import Tensors

/// Restores pictures twice, by the prepared networks and by the plain operators that training is checked
/// with, and prints by how much the results differ before they are rounded to 8 bits.
@main
struct Exactness: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares what restoring computes with the plain operators.",
        discussion: "Prints a table; exits with 1 where a difference is above the limit.")

    @Option(parsing: .upToNextOption, help: "Small pictures, to be enlarged four times.")
    var sr: [String] = []
    @Option(parsing: .upToNextOption, help: "Blurred pictures.") var deblur: [String] = []
    @Option(help: "The super-resolution model's file.") var srModel = "Sources/SR3/Models/sr3-x4.safetensors"
    @Option(help: "The deblurring model's file.") var deblurModel =
        "Sources/Deblur/Models/deblur.safetensors.index.json"
    @Option(help: "Side of the tiles of the second comparison, pixels.") var tile = 256
    @Option(help: "The largest difference allowed, of a range from 0 to 1.") var limit = 1e-4

    func run() throws {
        print("| model | picture | output | cut into | largest difference | mean difference |")
        print("|---|---|---|---|---|---|")
        var worst = 0.0
        if !sr.isEmpty {
            let restorer = try SR3Restorer(SR3Model.load(srModel))
            let network = restorer.model.network
            for path in sr {
                // An odd size: a row and a column less than the file has, where those are even.
                let picture = try odd(Image.read(from: path))
                let lr = try picture.tensor()
                let (height, width) = (picture.height * 4 - 1, picture.width * 4 - 1)
                worst = try max(
                    worst,
                    compared(srModel, path, networks: [network]) {
                        var options = try SR3Restorer.Options(
                            defaults: restorer.model.configuration.sampling, scale: 4)
                        options.tiling.side = $0
                        let cut = try restorer.plans(
                            height: lr.shape[2], width: lr.shape[3], options: options)
                        return (
                            try restorer.restored(lr, height: height, width: width, options: options),
                            cut[0].grid.count
                        )
                    })
            }
        }
        if !deblur.isEmpty {
            let restorer = try DeblurRestorer(DeblurModel.load(deblurModel))
            let networks = restorer.model.networks
            let defaults = restorer.model.configuration.sampling
            let levels = try NoiseSchedule(parsing: defaults.schedule).samplingLevels(defaults.steps)
            for path in deblur {
                let blurred = try odd(Image.read(from: path)).tensor()
                worst = try max(
                    worst,
                    compared(deblurModel, path, networks: [networks.predictor, networks.denoiser]) {
                        var options = DeblurRestorer.Options(
                            sampling: .init(sampler: defaults.sampler, levels: levels), samples: 2)
                        options.tiling.side = $0
                        let cut = try restorer.plan(
                            height: blurred.shape[2], width: blurred.shape[3], tiling: options.tiling)
                        return (try restorer.restored(blurred, options: options).mean, cut.grid.count)
                    })
            }
        }
        guard worst <= limit else {
            FileHandle.standardError.write(Data("the largest difference is \(worst), above \(limit)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func odd(_ image: Image) throws -> Image {
        try image.cropping(
            x: 0, y: 0, width: image.width - (1 - image.width % 2),
            height: image.height - (1 - image.height % 2))
    }

    /// Prints a row for the whole picture and one for tiles.
    ///
    /// - Parameter restored: given the tiles' side, or nil for none, returns 1×3×H×W in [-1, 1] and how
    ///   many tiles there were.
    /// - Returns: the largest difference, of a range from 0 to 1.
    private func compared(
        _ model: String, _ path: String, networks: [UNet], _ restored: (Int?) throws -> (Tensor, Int)
    ) throws -> Double {
        var worst = 0.0
        for side in [nil, tile] {
            for network in networks { try network.prepareForInference() }
            let (prepared, count) = try restored(side)
            for network in networks { network.forEachModule { $0.parametersDidChange() } }
            let (plain, _) = try restored(side)
            let difference = try (prepared - plain).magnitude() * 0.5
            let (largest, mean) = (try difference.max().item(), try difference.mean().item())
            worst = max(worst, largest)
            let size = prepared.shape
            let name = URL(fileURLWithPath: model).deletingPathExtension().lastPathComponent
            let picture = path.split(separator: "/").suffix(2).joined(separator: "/")
            let cut = count == 1 ? "one piece" : "\(count) tiles"
            print(
                "| \(name) | \(picture) | \(size[3])×\(size[2]) | \(cut) "
                    + String(format: "| %.1e | %.1e |", largest, mean))
        }
        return worst
    }
}
