import ArgumentParser
import Diffusion
import Foundation
import ImageFiles
import SR3
import Tensors

struct SRCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sr",
        abstract: "Enlarges pictures with detail (super-resolution, SR3).",
        discussion: """
            PNG and JPEG in and out; gray, colour, transparency, 8 and 16 bits; EXIF
            orientation is obeyed. Metadata is kept.

            Examples:
              restore sr in.png                  four times as wide and high: in_x4.png
              restore sr --scale 2 in.jpg -o out.jpg
              restore sr -r photos -o large      the tree below photos, below large
              cat in.png | restore sr - > out.png
              restore sr --samples 8 in.png      mean of eight samples: safer, smoother
              restore sr --steps 5 --sampler ddpm in.png    more detail, more invention
              restore sr --schedule linear:1e-4:0.1:100 --steps 10 --seed 7 in.png

            \(PictureFiles.discussion)
            """)

    @Argument(
        help: "Pictures to enlarge, PNG or JPEG; folders with -r; - is standard input.",
        completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var inputs: [String]

    @Option(name: [.short, .long], help: "How much wider and higher, from 1 to 16; fractions are allowed.")
    var scale = 4.0

    @Option(help: "Network steps a sample (default: the model's).")
    var steps: Int?

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @Option(help: "Seed of the noise; the same seed gives the same picture.")
    var seed: UInt64 = 0

    @Option(help: "Number of samples to average.")
    var samples = 1

    @Flag(
        inversion: .prefixedNo,
        help: "Make the shrunk result agree with the input (default: as the model is meant).")
    var consistency: Bool?

    @Option(help: "A model's name (see 'restore models') or file.")
    var model = ModelStore.defaultSR

    @OptionGroup(title: "Files") var files: PictureFiles
    @OptionGroup(title: "Machine") var machine: InferenceOptions
    @OptionGroup(title: "Memory") var memory: TilingOptions

    func validate() throws {
        try files.validate(inputs: inputs)
        guard scale.isFinite, SR3Restorer.scales.contains(scale) else {
            throw ValidationError("--scale must be from 1 to 16")
        }
        guard (1...1000).contains(samples) else { throw ValidationError("--samples must be from 1 to 1000") }
        if let steps, steps < 1 { throw ValidationError("--steps must be at least 1") }
    }

    func run() throws {
        let ranks = try Ranks.start()
        let plan = try files.plan(for: ranks) { try files.plan(inputs, suffix: Self.suffix(scale: scale)) }
        Interrupt.watch()
        let device = try machine.resolved(for: ranks)
        try BatchRun(plan, files: files, ranks: ranks).run {
            let restorer = try SR3Restorer(
                SR3Model.load(ModelStore.path(of: model), device: device), precision: machine.precision)
            let settings = try sampling.merged(into: restorer.model.configuration.sampling, steps: steps)
            return PictureWork(model: model, method: settings.method(samples: samples), seed: seed) {
                image, job, progress in
                try RestoredPicture(
                    image: restored(image, job.input.path, settings, restorer, progress: progress))
            }
        }
    }

    private func restored(
        _ image: Image, _ name: String, _ settings: SamplingDefaults, _ restorer: SR3Restorer,
        progress: @escaping (Int, Int) -> Void
    ) throws -> Image {
        var options = try SR3Restorer.Options(defaults: settings, scale: scale)
        options.samples = samples
        options.seed = seed
        options.consistency = consistency ?? restorer.model.configuration.makesConsistent
        options.tiling = memory.tiling
        options.progress = progress
        options.isCancelled = { Interrupt.isRequested }
        try MemoryCheck.enough(for: name) {
            _ = try restorer.plans(height: image.height, width: image.width, options: options)
        }
        return try restorer.restored(image, options: options)
    }

    /// `_x4`
    private static func suffix(scale: Double) -> String {
        "_x" + (scale == scale.rounded() ? String(Int(scale)) : String(scale))
    }
}
