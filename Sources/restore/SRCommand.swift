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
              restore sr --samples 8 in.png      mean of eight samples: safer, smoother
              restore sr --steps 20 --sampler ddpm in.png   more detail, more invention
              restore sr --schedule linear:1e-4:0.1:100 --steps 10 --seed 7 in.png
            """)

    @Argument(
        help: "Pictures to enlarge, PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
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

    @Flag(inversion: .prefixedNo, help: "Make the shrunk result agree with the input.")
    var consistency = true

    @Option(help: "A model's name (see 'restore models') or file.")
    var model = ModelStore.defaultSR

    @OptionGroup(title: "Files") var files: PictureFiles
    @OptionGroup(title: "Machine") var machine: DeviceOptions
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
        let jobs = try files.jobs(inputs) { Self.defaultOutput($0, scale: scale) }
        Interrupt.watch()
        let device = try machine.resolved()
        let first = try jobs.first.map { try Image.read(from: $0.input) }
        let restorer = try SR3Restorer(SR3Model.load(ModelStore.path(of: model), device: device))
        let settings = try sampling.merged(into: restorer.model.configuration.sampling, steps: steps)
        for (index, job) in jobs.enumerated() {
            let image = try index == 0 ? first ?? Image.read(from: job.input) : Image.read(from: job.input)
            try restore(image, job.input, job.output, settings, restorer)
        }
    }

    private func restore(
        _ image: Image, _ input: String, _ output: String, _ settings: SamplingDefaults,
        _ restorer: SR3Restorer
    ) throws {
        let started = Date()
        let bar = ProgressBar((input as NSString).lastPathComponent, quiet: files.quiet)
        var options = try SR3Restorer.Options(defaults: settings, scale: scale)
        options.samples = samples
        options.seed = seed
        options.consistency = consistency
        options.tiling = memory.tiling
        options.progress = { done, total in bar.update(done, of: total) }
        options.isCancelled = { Interrupt.isRequested }
        defer { bar.finish() }
        try MemoryCheck.enough(for: input) {
            _ = try restorer.plans(height: image.height, width: image.width, options: options)
        }
        let result = try restorer.restored(image, options: options)
        try files.write(
            result, before: image.resized(width: result.width, height: result.height), to: output)
        bar.finish()
        guard !files.quiet else { return }
        let seconds = String(format: "%.1f", Date().timeIntervalSince(started))
        print(
            "\(input) → \(output): \(image.width)×\(image.height) → \(result.width)×\(result.height), \(settings.steps) \(settings.method.rawValue) steps\(samples > 1 ? " × \(samples) samples" : ""), \(seconds) s"
        )
    }

    /// `in_x4.png` beside the input.
    static func defaultOutput(_ input: String, scale: Double) -> String {
        let number = scale == scale.rounded() ? String(Int(scale)) : String(scale)
        return PictureFiles.beside(input, suffix: "x\(number)")
    }
}
