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

    @Option(
        name: [.short, .long], help: "Where to write, .png or .jpg (default: IN_xSCALE.png beside the input)."
    )
    var output: String?

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
    var model = ModelStore.defaultModel

    @Option(
        help: "Also write bicubic and result side by side to this PNG.",
        completion: .file(extensions: ["png"]))
    var compare: String?

    @Option(help: "JPEG quality from 1 to 100.")
    var quality = 95

    @OptionGroup(title: "Machine") var machine: DeviceOptions

    @Flag(name: [.short, .long], help: "Say nothing unless something fails.")
    var quiet = false

    func validate() throws {
        guard !inputs.isEmpty else { throw ValidationError("name a picture to enlarge") }
        guard scale.isFinite, SR3Restorer.scales.contains(scale) else {
            throw ValidationError("--scale must be from 1 to 16")
        }
        guard (1...1000).contains(samples) else { throw ValidationError("--samples must be from 1 to 1000") }
        guard (1...100).contains(quality) else { throw ValidationError("--quality must be from 1 to 100") }
        if let steps, steps < 1 { throw ValidationError("--steps must be at least 1") }
        if inputs.count > 1, output != nil { throw ValidationError("--output goes with one picture") }
        if inputs.count > 1, compare != nil { throw ValidationError("--compare goes with one picture") }
        for path in [output, compare].compactMap(\.self) where ImageFormat(path: path) == nil {
            throw ValidationError("'\(path)' must end in .png, .jpg or .jpeg")
        }
    }

    func run() throws {
        // What can fail at once is tried before the model is loaded and minutes are spent.
        let jobs = inputs.map { (input: $0, output: output ?? Self.defaultOutput($0, scale: scale)) }
        let outputs = jobs.map(\.output) + [compare].compactMap(\.self)
        if let twice = Dictionary(grouping: outputs, by: \.self).filter({ $0.value.count > 1 }).keys.min() {
            throw CommandError.usage("'\(twice)' would be written twice: the outputs need names of their own")
        }
        for path in outputs { try OutputCheck.writable(path) }
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
        try MemoryCheck.enough(for: image, name: input, scale: scale, model: restorer.model)
        let bar = ProgressBar((input as NSString).lastPathComponent, quiet: quiet)
        var options = try SR3Restorer.Options(defaults: settings, scale: scale)
        options.samples = samples
        options.seed = seed
        options.consistency = consistency
        options.progress = { done, total in bar.update(done, of: total) }
        options.isCancelled = { Interrupt.isRequested }
        defer { bar.finish() }
        let result = try restorer.restored(image, options: options)
        try result.write(to: output, jpegQuality: quality)
        if let compare {
            let bicubic = try image.resized(width: result.width, height: result.height)
            let pair = try [bicubic, result].map { try $0.converted(bitDepth: 8).compositedOverWhite().rgb() }
            try Image.sideBySide(pair, gap: 8).write(to: compare)
        }
        bar.finish()
        guard !quiet else { return }
        let seconds = String(format: "%.1f", Date().timeIntervalSince(started))
        print(
            "\(input) → \(output): \(image.width)×\(image.height) → \(result.width)×\(result.height), \(settings.steps) \(settings.method.rawValue) steps\(samples > 1 ? " × \(samples) samples" : ""), \(seconds) s"
        )
    }

    /// `in_x4.png` beside the input.
    static func defaultOutput(_ input: String, scale: Double) -> String {
        let number = scale == scale.rounded() ? String(Int(scale)) : String(scale)
        return (input as NSString).deletingPathExtension + "_x\(number).png"
    }
}
