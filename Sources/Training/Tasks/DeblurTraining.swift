import Deblur
import Degradation
import Diffusion
import ImageFiles
import ImageTensors
import Tensors

/// Training of predict-and-refine: sharp crops blurred on the device, and a share of real motion. Or of the network that
/// improves estimates of the blur, by itself.
final class DeblurTraining: TrainingTask {
    private let networks: PredictAndRefine
    private let degradation: BlurDegradation
    let photos: PhotoCollection
    let unusable: [String]
    private let frames: FrameSequence?
    private let framesShare: Double
    private let lightShare: Double
    /// Only with a deconvolution.
    private let estimates: KernelEstimates?
    /// Only where kernels are what is learnt.
    private let lessons: (kernels: KernelNetwork, all: KernelLessons, misfit: KernelMisfit)?
    private let cases: [Case]
    private let schedule: NoiseSchedule
    private let objective: Objective
    private let lossOptions: PredictAndRefine.LossOptions
    private let perceptual: PerceptualLoss?
    private let patch: Int
    private let margin: Int
    /// Blurred pixels around a crop, without which the deconvolution of most of it would suffer from its edges.
    private let surroundings: Int
    private let device: Device

    /// A held-out picture, 1×3×H×W in [-1, 1].
    private struct Case {
        let sharp: Tensor
        let blurred: Tensor
        let deconvolved: Tensor?
    }

    init(
        _ recipe: Recipe, _ networks: PredictAndRefine, _ degradation: BlurDegradation,
        search: KernelNetwork? = nil, perceptual: PerceptualLoss? = nil, training: [String],
        validation: [String], frames: [String], device: Device, cache: String? = nil,
        isCancelled: () -> Bool = { false }
    ) throws {
        self.networks = networks
        let configuration = networks.configuration
        self.degradation = degradation
        self.perceptual = perceptual
        self.device = device
        patch = recipe.data.patchSize
        margin = degradation.margin
        surroundings = configuration.deconvolution == nil ? 0 : 16
        let region = patch + 2 * surroundings
        photos = try PhotoCollection(
            paths: training, minimum: region + 2 * margin, device: device, memory: recipe.data.memory)
        framesShare = recipe.data.framesShare ?? 0
        lightShare = recipe.data.lightShare ?? 0
        self.frames =
            try frames.isEmpty
            ? nil
            : FrameSequence(
                paths: frames, minimum: region,
                counts: FrameSequence.counts(in: recipe.data.frameCounts ?? FrameSequence.usualCounts),
                device: device, memory: recipe.data.memory)
        let deconvolution = configuration.deconvolution
        let estimateCount = recipe.data.kernelEstimates ?? 0
        if recipe.objective.learns == .kernels, let deconvolution, let kernels = networks.kernels {
            lessons = (
                kernels,
                try KernelLessons(
                    estimateCount, large: recipe.data.largeKernelEstimates ?? 0, of: deconvolution,
                    side: kernels.side, search: search,
                    degradation: degradation, photos: photos, seed: recipe.seed, cache: cache,
                    isCancelled: isCancelled),
                try KernelMisfit(side: kernels.side, device: device)
            )
            estimates = nil
        } else {
            lessons = nil
            estimates =
                if let deconvolution {
                    try KernelEstimates(
                        estimateCount, of: deconvolution, network: networks.kernels,
                        ways: recipe.data.blurEstimates ?? 1, degradation: degradation, photos: photos,
                        frames: self.frames, seed: recipe.seed, cache: cache, isCancelled: isCancelled)
                } else { nil }
        }
        schedule = try NoiseSchedule(parsing: configuration.schedule)
        objective = recipe.objective.objective(configuration.parameterization)
        lossOptions = .init(
            detachesPrediction: recipe.objective.detachPrediction ?? false,
            reconstructionWeight: recipe.objective.reconstructionWeight ?? 0)
        (cases, unusable) = try HeldOut.read(validation) { index, image in
            // Where kernels are learnt, pictures are deconvolved anew each time.
            try Self.heldOut(
                image, index, isDeconvolved: recipe.objective.learns != .kernels, degradation: degradation,
                networks, seed: recipe.seed, device: device)
        }
    }

    /// The central crop of at most `side` pixels, blurred always the same; nil if nothing is left of it.
    private static func heldOut(
        _ image: Image, _ index: Int, isDeconvolved: Bool, degradation: BlurDegradation,
        _ networks: PredictAndRefine, side: Int = 256, seed: UInt64, device: Device
    ) throws -> Case? {
        var blurring = degradation
        blurring.shares[.none] = nil
        // All by light, and white as it is: curves of recipes with different shares of the rest stay comparable.
        (blurring.storedValuesShare, blurring.highlightShare) = (nil, nil)
        let margin = degradation.margin
        let multiple = networks.configuration.multiple
        let height = min(side, image.height - 2 * margin) / multiple * multiple
        let width = min(side, image.width - 2 * margin) / multiple * multiple
        guard height > 0, width > 0 else { return nil }
        let (tall, wide) = (height + 2 * margin, width + 2 * margin)
        let crop = try image.cropping(
            x: (image.width - wide) / 2, y: (image.height - tall) / 2, width: wide, height: tall)
        let around = try crop.tensor()
        var random = CounterStream(seed: seed, stream: UInt64.max - UInt64(index))
        let draw = blurring.draw(using: &random)
        let noise = try NoiseField(seed: seed, sample: index).tensor(
            step: 0, channels: 3, height: height, width: width)
        let blurred = try BlurDegradation.degraded(around, margin: margin, draws: [draw], noise: noise)
        let sharp = try around.trimmed(by: margin)
        return Case(
            sharp: try sharp.to(device), blurred: try blurred.to(device),
            deconvolved: try isDeconvolved
                ? networks.configuration.deconvolution?
                    .deconvolved(blurred, network: networks.kernels).to(device) : nil)
    }

    func batch(_ shard: BatchShard, using random: inout CounterStream) throws -> TrainingBatch {
        if let (kernels, lessons, misfit) = lessons {
            let (clues, truth) = try lessons.batch(shard, using: &random, device: device)
            return TrainingBatch(inputs: [clues, truth]) { try misfit.loss(kernels(clues), truth: truth) }
        }
        let (sharp, blurred, deconvolved) = try pictures(shard, using: &random)
        let count = shard.batchSize
        let gammas = (0..<count).map { _ in schedule.trainingLevel(random.uniform(), random.uniform()) }
        let noise = try NoiseSource.normal(like: sharp, range: shard.range, of: count, seed: random.next())
        let levels = try objective.levels(Array(gammas[shard.range]), on: device)
        let comparison = try perceptual?.comparison(with: sharp, levels: levels.values, using: &random)
        return TrainingBatch(
            inputs: [sharp, blurred, noise] + (deconvolved.map { [$0] } ?? []) + levels.tensors
                + (comparison?.tensors ?? [])
        ) { [networks, objective, lossOptions] in
            try networks.loss(
                objective, sharp: sharp, blurred: blurred, deconvolved: deconvolved, noise: noise,
                levels: levels, options: lossOptions, further: comparison?.loss)
        }
    }

    /// Sharp and blurred pictures of a part of a batch, and these deconvolved where the model wants it,
    /// n×3×patch×patch in [-1, 1]; in a batch those from the frames come last.
    func pictures(_ shard: BatchShard, using random: inout CounterStream) throws -> (
        sharp: Tensor, blurred: Tensor, deconvolved: Tensor?
    ) {
        let count = shard.batchSize
        let real = frames == nil ? 0 : (0..<count).filter { _ in random.uniform() < framesShare }.count
        let region = patch + 2 * surroundings
        let side = region + 2 * margin
        let crops = (0..<(count - real)).map { _ in photos.crop(size: side, using: &random) }
        var takes: [FrameSequence.Take] = []
        var kernels: [BlurKernel] = []
        for _ in 0..<real {
            guard let frames else { break }
            if let motion = estimates?.motion(size: region, of: frames, using: &random) {
                takes.append(motion.take)
                kernels.append(motion.estimate)
            } else {
                takes.append(frames.take(size: region, using: &random))
            }
        }
        // The frames bring their own blur; theirs are for the noise and the compression.
        var draws = (0..<count).map { _ in degradation.draw(using: &random) }
        if let estimates {
            let taken = (0..<(count - real)).map { estimates.take(draws[$0], using: &random) }
            for (index, one) in taken.enumerated() { draws[index] = one.draw }
            kernels = taken.map(\.estimate) + kernels
        }
        let curves = draws.map { curve(of: $0, using: &random) }
        let seed = random.next()
        return try noGrad {
            var sharp: [Tensor] = []
            var encoded: [Tensor] = []
            let made = shard.range.clamped(to: 0..<(count - real))
            if !made.isEmpty {
                let around = try photos.batch(Array(crops[made]), size: side).to(.float32) / 127.5 - 1
                let (blurred, scene) = try Self.exposed(around, margin: margin, draws: Array(draws[made]))
                encoded.append(blurred)
                sharp.append(try scene.trimmed(by: margin + surroundings))
            }
            let taken = shard.range.clamped(to: (count - real)..<count)
            if let frames, !taken.isEmpty {
                let pairs = try frames.pairs(
                    taken.map { takes[$0 - (count - real)] }, size: region,
                    sumsStoredValues: taken.map { draws[$0].blursStoredValues })
                encoded.append(pairs.means)
                sharp.append(try (pairs.middles.to(.float32) / 127.5 - 1).trimmed(by: surroundings))
            }
            let clean = try Tensor.concatenated(encoded, dim: 0)
            let noise = try NoiseSource.normal(like: clean, range: shard.range, of: count, seed: seed)
            let blurred = try BlurDegradation.finished(
                clean, draws: Array(draws[shard.range]), noise: noise)
            var deconvolved: Tensor?
            if let deconvolution = networks.configuration.deconvolution {
                deconvolved = try deconvolution.filter(
                    blurred, kernels: Array(kernels[shard.range]), in: Array(curves[shard.range])
                )
                .trimmed(by: surroundings).channelsLast()
            }
            return (
                try Tensor.concatenated(sharp, dim: 0).channelsLast(),
                try blurred.trimmed(by: surroundings).channelsLast(), deconvolved
            )
        }
    }

    /// Of what a lesson's blur is divided out: of what was blurred, but for a share of stored values where that was light.
    private func curve(of draw: BlurDegradation.Draw, using random: inout CounterStream) -> LightCurve {
        guard lightShare > 0 else { return .stored }
        let (isOfLight, which) = (random.uniform() < lightShare, random.uniform())
        guard isOfLight, !draw.blursStoredValues else { return .stored }
        // Those that a picture can be found to be of; the one that is nearer to sRGB is more often right.
        return LightCurve(exponent: which < 2.0 / 3 ? 2 : 1.5)
    }

    /// What the things are made of that move by themselves: the picture as a mirror shows it, which has its
    /// light and its colours and another content at each place. Nil where nothing does.
    private static func subjects(for pictures: Tensor, _ draws: [BlurDegradation.Draw]) throws -> Tensor? {
        try draws.contains { $0.scene?.subject != nil } ? pictures.flipped([3]) : nil
    }

    /// Pictures blurred, without the margins that their kernels see, and sharp, with them and with what moves in them.
    static func exposed(_ around: Tensor, margin: Int, draws: [BlurDegradation.Draw]) throws -> (
        blurred: Tensor, scene: Tensor
    ) {
        let subjects = try subjects(for: around, draws)
        let scene = try subjects.map { try BlurDegradation.composed(around, subjects: $0, draws: draws) }
        return (
            try BlurDegradation.exposed(around, margin: margin, draws: draws, subjects: subjects),
            scene ?? around
        )
    }

    /// Columns: the blurred picture, the prediction, the refinement's mean (one step from no
    /// noise), and a sample.
    func validate() throws -> ValidationResult? {
        guard !cases.isEmpty else { return nil }
        let defaults = networks.configuration.sampling
        let schedule = try NoiseSchedule(parsing: defaults.schedule)
        let ways = [
            PredictAndRefine.Sampling(
                sampler: defaults.sampler, levels: try schedule.samplingLevels(1), temperature: 0),
            PredictAndRefine.Sampling(
                sampler: defaults.sampler, levels: try schedule.samplingLevels(defaults.steps),
                temperature: defaults.temperature),
        ]
        var sums = [0.0, 0, 0, 0]
        var rows: [Image] = []
        for (index, one) in cases.enumerated() {
            let pictures = try noGrad {
                let size = one.blurred.shape
                let prediction = try networks.prediction(of: one.blurred, deconvolved: one.deconvolved)
                let field = NoiseField(seed: 1, sample: index)
                return try [one.blurred, prediction.quantized()]
                    + ways.map {
                        try networks.refined(
                            blurred: one.blurred, prediction: prediction, sampling: $0,
                            noise: { [device] draw in
                                try field.tensor(step: draw, channels: 3, height: size[2], width: size[3])
                                    .to(device)
                            }
                        ).quantized()
                    }
            }
            for (place, picture) in pictures.enumerated() {
                sums[place] += try ValidationResult.psnr(picture, one.sharp) / Double(cases.count)
            }
            if index < 6 {
                rows.append(
                    try Image.sideBySide((pictures + [one.sharp]).map { try Image(tensor: $0) }, gap: 4))
            }
        }
        let names = ["blurred", "prediction", "mean", "sample"]
        return ValidationResult(
            figures: zip(names, sums).map { ($0, $1) }, grid: try ValidationResult.stacked(rows))
    }

    func save(_ weights: [(name: String, value: Tensor)], metadata: [String: String], to path: String) throws
    {
        try DeblurModel.save(
            weights, configuration: networks.configuration, metadata: metadata, to: path)
    }
}
