import ArgumentParser
import Deblur
import Diffusion
import Foundation
import ImageFiles
import Tensors

struct DeblurCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deblur",
        abstract: "Takes blur out of pictures (predict and refine).",
        discussion: """
            A predictor makes a first sharp picture, then a denoiser draws samples of what
            is missing. One sample has the most detail; the mean of several is closer to
            the truth and smoother. PNG and JPEG in and out, any size; gray, colour,
            transparency, 8 and 16 bits; metadata is kept.

            Examples:
              restore deblur in.jpg                  writes in_deblurred.png
              restore deblur --samples 8 in.jpg      mean of eight samples
              restore deblur --perception 0.2 in.jpg closer to the truth, smoother
              restore deblur --predictor-only in.jpg the fast first picture
              restore deblur --samples 16 --uncertainty map.png in.jpg
            """)

    @Argument(
        help: "Pictures to deblur, PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var inputs: [String]

    @Option(help: "Number of samples to average (default: the model's, 1 without --perception).")
    var samples: Int?

    @Option(help: "Network steps a sample (default: the model's).")
    var steps: Int?

    @Option(
        help: ArgumentHelp(
            "From 0 (closest to the truth) to 1 (most detail): sets samples, steps and largest noise as measured.",
            valueName: "0...1"))
    var perception: Double?

    @Option(
        help: ArgumentHelp(
            "Noise level at which sampling starts, above 0 to 1 (all noise): less stays closer to the prediction.",
            valueName: "level"))
    var maxNoise: Double?

    @Flag(help: "Stop after the predictor: fast, no samples.")
    var predictorOnly = false

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @Option(help: "Seed of the noise; the same seed gives the same picture.")
    var seed: UInt64 = 0

    @Option(
        help: "Also write the samples' standard deviation as a heat map to this PNG.",
        completion: .file(extensions: ["png"]))
    var uncertainty: String?

    @Option(help: "Also write every sample into this folder.", completion: .directory)
    var keepSamples: String?

    @Option(help: "A model's name (see 'restore models') or file.")
    var model = ModelStore.defaultDeblur

    @OptionGroup(title: "Files") var files: PictureFiles

    @OptionGroup(title: "Machine") var machine: DeviceOptions

    @OptionGroup(title: "Memory") var memory: TilingOptions

    func validate() throws {
        try files.validate(inputs: inputs)
        if let samples, !(1...1000).contains(samples) {
            throw ValidationError("--samples must be from 1 to 1000")
        }
        if let steps, steps < 1 { throw ValidationError("--steps must be at least 1") }
        if let perception, !(0...1).contains(perception) {
            throw ValidationError("--perception must be from 0 to 1")
        }
        if let maxNoise, !(maxNoise > 0 && maxNoise <= 1) {
            throw ValidationError("--max-noise must be above 0 and at most 1")
        }
        if inputs.count > 1, uncertainty != nil {
            throw ValidationError("--uncertainty goes with one picture")
        }
        if let uncertainty, ImageFormat(path: uncertainty) != .png {
            throw ValidationError("'\(uncertainty)' must end in .png")
        }
        if predictorOnly {
            let others = [
                ("--samples", samples != nil), ("--steps", steps != nil),
                ("--perception", perception != nil), ("--max-noise", maxNoise != nil),
                ("--uncertainty", uncertainty != nil), ("--keep-samples", keepSamples != nil),
            ].filter(\.1).map(\.0)
            if let first = others.first {
                throw ValidationError("--predictor-only draws no samples: leave \(first) out")
            }
        } else if uncertainty != nil, (samples ?? 2) < 2 {
            throw ValidationError("--uncertainty needs --samples 2 or more")
        }
    }

    func run() throws {
        let jobs = try files.jobs(inputs, more: [uncertainty].compactMap(\.self)) {
            PictureFiles.beside($0, suffix: "deblurred")
        }
        if keepSamples != nil,
            let twice = Dictionary(grouping: inputs, by: Self.stem).first(where: { $0.value.count > 1 })
        {
            throw CommandError.usage(
                "--keep-samples would write '\(twice.key)_sample1.png' twice: the inputs need names of their own"
            )
        }
        Interrupt.watch()
        let device = try machine.resolved()
        let first = try jobs.first.map { try Image.read(from: $0.input) }
        let restorer = try DeblurRestorer(DeblurModel.load(ModelStore.path(of: model), device: device))
        let choice = try DeblurChoice(
            restorer.model.configuration, sampling: sampling, perception: perception, steps: steps,
            samples: samples, maximumNoise: maxNoise)
        if uncertainty != nil, choice.samples < 2 {
            throw CommandError.usage("--uncertainty needs --samples 2 or more")
        }
        if let keepSamples { try OutputCheck.makeFolder(keepSamples) }
        for (index, job) in jobs.enumerated() {
            let image = try index == 0 ? first ?? Image.read(from: job.input) : Image.read(from: job.input)
            try restore(image, job.input, job.output, choice, restorer)
        }
    }

    /// A file's name without folder and ending.
    private static func stem(_ path: String) -> String {
        ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    }

    private func restore(
        _ image: Image, _ input: String, _ output: String, _ choice: DeblurChoice,
        _ restorer: DeblurRestorer
    ) throws {
        let started = Date()
        try MemoryCheck.enough(for: input) {
            _ = try restorer.plan(
                height: image.height, width: image.width, tiling: memory.tiling, samples: choice.samples)
        }
        let name = (input as NSString).lastPathComponent
        let bar = ProgressBar(name, quiet: files.quiet)
        defer { bar.finish() }
        var done = "predictor only"
        let result: Image
        if predictorOnly {
            result = try restorer.predicted(
                image, tiling: memory.tiling, isCancelled: { Interrupt.isRequested })
        } else {
            let stem = Self.stem(input)
            let keep = keepSamples.map { folder in
                { (index: Int, sample: Tensor) in
                    try DeblurRestorer.picture(sample, like: image).write(
                        to: "\(folder)/\(stem)_sample\(index + 1).png")
                }
            }
            let made = try restorer.restored(
                image,
                options: .init(
                    sampling: choice.sampling, samples: choice.samples, seed: seed,
                    tracksUncertainty: uncertainty != nil, tiling: memory.tiling, sampleDone: keep,
                    progress: { done, total in bar.update(done, of: total) },
                    isCancelled: { Interrupt.isRequested }))
            result = made.image
            if let uncertainty, let deviation = made.output.standardDeviation {
                try UncertaintyMap.image(of: deviation).write(to: uncertainty)
            }
            done = choice.description
        }
        try files.write(result, before: image, to: output)
        bar.finish()
        guard !files.quiet else { return }
        let seconds = String(format: "%.1f", Date().timeIntervalSince(started))
        print("\(input) → \(output): \(image.width)×\(image.height), \(done), \(seconds) s")
    }
}
