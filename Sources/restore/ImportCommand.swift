import ArgumentParser
import Diffusion
import Foundation
import Interchange
import SR3
import Tensors

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Makes a model file of published PyTorch weights.",
        discussion: """
            Two layouts of super-resolution networks are known: the U-Net of the open SR3
            implementation (I640000_E37_gen.pth and its like), and diffusers' UNet2DModel
            of 6 channels in and 3 out, whose config.json must be at hand. What the files
            tell is taken from them; the flags say the rest. Every tensor must find its
            place. Nothing in the files is run.

            Examples:
              restore import I640000_E37_gen.pth -o faces.safetensors
              restore import unet/diffusion_pytorch_model.safetensors -o my.safetensors
              restore sr --model faces.safetensors --scale 8 in.png
              restore sr --model faces.safetensors --sampler ddpm --steps 2000 in.png
            """)

    @Argument(
        help: "The weights, .pth, .pt or .safetensors.",
        completion: .file(extensions: ["pth", "pt", "safetensors"]))
    var weights: String

    @Option(
        name: [.short, .long], help: "The model file to write.",
        completion: .file(extensions: ["safetensors"]))
    var output: String

    @Option(help: "Diffusers' config.json (default: the one beside the weights).", completion: .file())
    var config: String?

    @Option(help: "Which network, where a file has several: what stands before its names.")
    var prefix: String?

    @Option(
        help: ArgumentHelp(
            "The open SR3 network's norm_groups (default: 32); its weights do not tell.", valueName: "groups")
    )
    var normGroups: Int?

    @Option(
        help: ArgumentHelp(
            "first or last: whether the network is given the small picture before or after the noisy one (default: first for the open SR3 network, last for diffusers).",
            valueName: "place"))
    var condition: ConditionPlace?

    @Option(help: "Enlargement it was trained for, 2 to 8 (default: 8 for the open SR3 network, else 4).")
    var scale: Int?

    @Option(
        help: ArgumentHelp(
            "Schedule of its training (default: the file's own, else linear:1e-6:1e-2:2000; linear:1e-4:0.02:1000 for diffusers).",
            valueName: "schedule"))
    var schedule: String?

    @Option(
        help: ArgumentHelp(
            "noise, velocity or clean: what it predicts (default: noise).", valueName: "name"))
    var parameterization: Parameterization?

    @Option(help: "Network steps a sample, when nothing else is said.")
    var steps = 50

    @Option(help: ArgumentHelp("ddpm, ddim or dpm, when nothing else is said.", valueName: "name"))
    var sampler = SamplingDefaults.Method.ddim

    @Option(help: "What the model is, for its card.")
    var description: String?

    @Option(help: "Licence of the weights, for the model's card.")
    var licence: String?

    @Flag(help: "Keep the weights in 16 bits: half the size.")
    var half = false

    func validate() throws {
        if let normGroups, !(1...1024).contains(normGroups) {
            throw ValidationError("--norm-groups must be from 1 to 1024")
        }
        if let scale, !(2...8).contains(scale) { throw ValidationError("--scale must be from 2 to 8") }
        if let schedule {
            do { _ = try NoiseSchedule(parsing: schedule) } catch {
                throw ValidationError("--schedule: \(error)")
            }
        }
        if steps < 1 { throw ValidationError("--steps must be at least 1") }
    }

    func run() throws {
        try OutputCheck.writable(output)
        var options = PublishedWeights.Options()
        options.configuration = config
        options.prefix = prefix
        options.groups = normGroups
        options.isConditionFirst = condition.map { $0 == .first }
        options.scale = scale
        options.parameterization = parameterization
        options.schedule = schedule
        options.sampling.steps = steps
        options.sampling.method = sampler
        let published = try PublishedWeights(path: weights, options: options)
        let file = (weights as NSString).lastPathComponent
        var card = [
            "name": ((output as NSString).lastPathComponent as NSString).deletingPathExtension,
            "description": description ?? "\(published.origin), imported from \(file)",
            "imported_from": "\(published.origin) in \(file)",
        ]
        card["licence"] = licence
        try published.save(metadata: card, to: output, dtype: half ? .float16 : .float32)
        let configuration = published.configuration
        print(
            "\(weights) → \(output): \(published.origin), \(published.network.parameterCount) parameters, ×\(configuration.scale), trained with \(configuration.schedule)"
        )
    }
}

/// Where the condition lies among a network's input channels.
enum ConditionPlace: String, ExpressibleByArgument, CaseIterable { case first, last }

extension Parameterization: ExpressibleByArgument {}
