import ArgumentParser
import Deblur
import Degradation
import Diffusion
import Foundation
import ImageFiles
import Tensors

struct DeblurCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deblur",
        abstract: "Takes blur out of pictures (predict and refine).",
        discussion: """
            The blur is found in the picture, one for all of it, and divided out. A
            predictor makes a first sharp picture of this and of the blurred one, of which
            it keeps more where motion differs from place to place. Then a denoiser draws
            samples of what is missing. One sample has the most detail; the mean of several
            is closer to the truth and smoother. PNG and JPEG in and out, any size; gray,
            colour, transparency, 8 and 16 bits; metadata is kept.

            Examples:
              restore deblur in.jpg                  writes in_deblurred.png
              restore deblur --samples 8 in.jpg      mean of eight samples
              restore deblur --perception 0.2 in.jpg closer to the truth, smoother
              restore deblur --self-ensemble 4 in.jpg slower, closer to the truth
              restore deblur --predictor-only in.jpg the fast first picture
              restore deblur --deconvolution-only in.jpg   the blur divided out, no more
              restore deblur --samples 16 --uncertainty map.png in.jpg
              restore deblur --save-kernel blur.png one.jpg   look at what was found
              restore deblur --kernel blur.png two.jpg three.jpg   the same blur
              restore deblur -r photos -o sharp      the tree below photos, below sharp
              cat in.jpg | restore deblur - > out.png

            \(PictureFiles.discussion)
            """)

    @Argument(
        help: "Pictures to deblur, PNG or JPEG; folders with -r; - is standard input.",
        completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var inputs: [String]

    @Option(
        help:
            "Number of samples to average, drawn around predictions in up to \(DeblurRestorer.posesOfSamples) poses of the picture (default: the model's, 1 without --perception)."
    )
    var samples: Int?

    @OptionGroup var prediction: PredictionOptions

    @Option(
        help:
            "Take the blur from this picture of its kernel, bright pixels on black, instead of looking for it.",
        completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var kernel: String?

    @Option(
        help:
            "Also write the kernel of the blur that was found to this PNG, of a large picture that of the part with the strongest edges.",
        completion: .file(extensions: ["png"]))
    var saveKernel: String?

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

    @Flag(
        help:
            "Stop after the deconvolution: the blur found in the picture is divided out, and no network draws."
    )
    var deconvolutionOnly = false

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

    @OptionGroup(title: "Machine") var machine: InferenceOptions

    @OptionGroup(title: "Memory") var memory: TilingOptions

    func validate() throws {
        try files.validate(inputs: inputs)
        if let samples, !(1...1000).contains(samples) {
            throw ValidationError("--samples must be from 1 to 1000")
        }
        if deconvolutionOnly, prediction.selfEnsemble > 1 || prediction.blurEstimates != nil {
            throw ValidationError(
                "--deconvolution-only predicts nothing: leave --self-ensemble and --blur-estimates out")
        }
        if let steps, steps < 1 { throw ValidationError("--steps must be at least 1") }
        if let perception, !(0...1).contains(perception) {
            throw ValidationError("--perception must be from 0 to 1")
        }
        if let maxNoise, !(maxNoise > 0 && maxNoise <= 1) {
            throw ValidationError("--max-noise must be above 0 and at most 1")
        }
        if kernel != nil, prediction.blurEstimates != nil {
            throw ValidationError("--kernel says what the blur is: leave --blur-estimates out")
        }
        for (flag, file) in companions {
            guard let file else { continue }
            if inputs.count > 1 { throw ValidationError("\(flag) goes with one picture") }
            guard ImageFormat(path: file) == .png else {
                throw ValidationError("'\(file)' must end in .png")
            }
        }
        if predictorOnly || deconvolutionOnly {
            let flag = predictorOnly ? "--predictor-only" : "--deconvolution-only"
            let others = [
                ("--samples", samples != nil), ("--steps", steps != nil),
                ("--perception", perception != nil), ("--max-noise", maxNoise != nil),
                ("--uncertainty", uncertainty != nil), ("--keep-samples", keepSamples != nil),
                ("--deconvolution-only", predictorOnly && deconvolutionOnly),
            ].filter(\.1).map(\.0)
            if let first = others.first {
                throw ValidationError("\(flag) draws no samples: leave \(first) out")
            }
        } else if uncertainty != nil, (samples ?? 2) < 2 {
            throw ValidationError("--uncertainty needs --samples 2 or more")
        }
    }

    /// What is written beside the output.
    private var companions: [(flag: String, file: String?)] {
        [("--uncertainty", uncertainty), ("--save-kernel", saveKernel)]
    }

    func run() throws {
        let ranks = try Ranks.start()
        let plan = try files.plan(for: ranks) {
            let plan = try files.plan(
                inputs, suffix: "_deblurred", single: companions,
                folders: [keepSamples].compactMap(\.self))
            try requireSampleNames(of: plan.jobs)
            return plan
        }
        let known = try kernel.map { try BlurKernel(path: $0) }
        Interrupt.watch()
        let device = try machine.resolved(for: ranks)
        try BatchRun(plan, files: files, ranks: ranks).run {
            let restorer = try DeblurRestorer(
                DeblurModel.load(ModelStore.path(of: model), device: device), precision: machine.precision)
            let choice = try DeblurChoice(
                restorer.model.configuration, sampling: sampling, perception: perception, steps: steps,
                samples: samples, maximumNoise: maxNoise)
            if uncertainty != nil, choice.samples < 2 {
                throw CommandError.usage("--uncertainty needs --samples 2 or more")
            }
            if let keepSamples { try OutputCheck.makeFolder(keepSamples) }
            if deconvolutionOnly, restorer.model.configuration.deconvolution == nil {
                throw CommandError.usage("the model '\(model)' has no deconvolution")
            }
            var settings = try prediction.settings(
                for: restorer.model, named: model,
                flags: [("--kernel", kernel), ("--save-kernel", saveKernel)].filter { $1 != nil }.map(\.0))
            if let known { settings.blur = .kernel(known) }
            let poses = prediction.selfEnsemble
            let details = (poses > 1 ? ", \(poses) poses" : "") + (known == nil ? "" : ", given blur")
            let way =
                deconvolutionOnly
                ? "deconvolution only" : predictorOnly ? "predictor only" : choice.description
            return PictureWork(
                model: model, method: way + details, seed: predictorOnly || deconvolutionOnly ? nil : seed
            ) { image, job, progress in
                var found: BlurKernel?
                settings.blurFound = { found = $0 }
                var picture = try restored(
                    image, job.input, choice, restorer, settings, progress: progress)
                if let saveKernel, let found { picture.companions.append((saveKernel, try found.image())) }
                return picture
            }
        }
    }

    private func restored(
        _ image: Image, _ input: InputPicture, _ choice: DeblurChoice, _ restorer: DeblurRestorer,
        _ prediction: PredictionSettings, progress: @escaping (Int, Int) -> Void
    ) throws -> RestoredPicture {
        try MemoryCheck.enough(for: input.path) {
            _ = try restorer.plan(
                height: image.height, width: image.width, tiling: memory.tiling, samples: choice.samples,
                selfEnsemble: prediction.selfEnsemble, tracksUncertainty: uncertainty != nil)
        }
        if deconvolutionOnly {
            return try RestoredPicture(
                image: restorer.deconvolved(
                    image, settings: prediction, isCancelled: { Interrupt.isRequested }))
        }
        if predictorOnly {
            return try RestoredPicture(
                image: restorer.predicted(
                    image, settings: prediction, tiling: memory.tiling,
                    isCancelled: { Interrupt.isRequested }))
        }
        let writer = PictureWriter(files)
        let keep = keepSamples.map { _ in
            { (index: Int, sample: Tensor) in
                try writer.write(
                    DeblurRestorer.picture(sample, like: image), to: samplePath(of: input, index: index))
            }
        }
        let options = DeblurRestorer.Options(
            sampling: choice.sampling, samples: choice.samples, prediction: prediction, seed: seed,
            tracksUncertainty: uncertainty != nil, tiling: memory.tiling, sampleDone: keep,
            progress: progress, isCancelled: { Interrupt.isRequested })
        let made = try restorer.restored(image, options: options)
        var result = RestoredPicture(image: made.image)
        if let uncertainty, let deviation = made.output.standardDeviation {
            result.companions = [(uncertainty, try UncertaintyMap.image(of: deviation))]
        }
        return result
    }

    /// Where a sample goes, laid out below --keep-samples as the inputs are below their folders.
    private func samplePath(of input: InputPicture, index: Int) -> String {
        let folders = [keepSamples ?? "", input.subfolder].filter { !$0.isEmpty }
        return (folders + ["\(input.stem)_sample\(index + 1).png"]).joined(separator: "/")
    }

    private func requireSampleNames(of jobs: [PictureJob]) throws {
        guard keepSamples != nil else { return }
        let names = Dictionary(grouping: jobs) { samplePath(of: $0.input, index: 0) }
        guard let twice = names.filter({ $0.value.count > 1 }).keys.min() else { return }
        throw CommandError.usage(
            "--keep-samples would write '\(twice)' twice: the inputs need names of their own")
    }
}
