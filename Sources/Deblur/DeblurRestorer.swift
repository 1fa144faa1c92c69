import Diffusion
import ImageFiles
import ImageTensors
import Tensors

/// Deblurs pictures of any size with a predict-and-refine model.
public final class DeblurRestorer {
    public struct Options {
        public var sampling: PredictAndRefine.Sampling
        /// How many samples are averaged.
        public var samples: Int
        public var prediction: PredictionSettings
        public var seed: UInt64
        /// Whether the samples' standard deviation is wanted.
        public var tracksUncertainty: Bool
        /// How much memory may be used, and how pictures are cut.
        public var tiling: Tiling
        /// Given each sample, 1×3×H×W in [-1, 1], with its index, in no set order; nothing is kept otherwise.
        public var sampleDone: ((_ index: Int, _ sample: Tensor) throws -> Void)?
        /// Called with (looks of the networks done, looks in all): one for the predictor and one a step, or
        /// as many as there are tiles.
        public var progress: (Int, Int) -> Void
        public var isCancelled: () -> Bool

        public init(
            sampling: PredictAndRefine.Sampling, samples: Int = 1, prediction: PredictionSettings = .init(),
            seed: UInt64 = 0, tracksUncertainty: Bool = false, tiling: Tiling = .init(),
            sampleDone: ((Int, Tensor) throws -> Void)? = nil,
            progress: @escaping (Int, Int) -> Void = { _, _ in },
            isCancelled: @escaping () -> Bool = { false }
        ) {
            self.sampling = sampling
            self.samples = samples
            self.prediction = prediction
            self.seed = seed
            self.tracksUncertainty = tracksUncertainty
            self.tiling = tiling
            self.sampleDone = sampleDone
            self.progress = progress
            self.isCancelled = isCancelled
        }
    }

    /// The mean of the samples, and how much they differ.
    public struct Output {
        /// 1×3×H×W in [-1, 1].
        public let mean: Tensor
        /// 1×3×H×W in units of the picture; nil when it was not asked for.
        public let standardDeviation: Tensor?
    }

    public static let selfEnsembles = 1...Tensor.poses.count
    public static let blurEstimates = 1...Deconvolution.mostEstimates
    public static let usualBlurEstimates = 3
    /// Of ``LightCurve``: beyond it, dark places are all noise.
    public static let lightExponents = 1.0...3.0

    public let model: DeblurModel

    /// - Parameter precision: in which the networks compute.
    /// - Throws: ``PrecisionError`` where this machine does not have it.
    public init(_ model: DeblurModel, precision: InferencePrecision = .float32) throws {
        self.model = model
        try model.networks.predictor.prepareForInference(precision)
        try model.networks.denoiser.prepareForInference(precision)
    }

    /// How a picture of that size is cut.
    ///
    /// - Throws: ``MemoryError`` where it does not fit into the memory that may be used.
    public func plan(
        height: Int, width: Int, tiling: Tiling, samples: Int = 1, selfEnsemble: Int = 1,
        tracksUncertainty: Bool = false, looksBack: Bool = false
    ) throws -> TilePlan {
        let networks = [model.configuration.predictor, model.configuration.denoiser]
        // Blurred picture, prediction, x_t, the result's own samples and file; then what is asked for, and
        // the deconvolved picture alone and beside the blurred one; for other poses the blurred and the deconvolved picture in one.
        let extras =
            [samples > 1, tracksUncertainty, looksBack].filter(\.self).count
            + (max(samples, selfEnsemble) > 1 ? 2 : 0)
            + (model.configuration.deconvolution == nil ? 0 : 3)
        return try TilePlan(
            height: height, width: width, multiple: networks.map(\.multiple).max() ?? 1,
            cost: .init(networks: networks, perPicturePixel: 48 + 12 * Double(extras)),
            budget: tiling.budget(on: model.device), side: tiling.side, margin: Self.margin)
    }

    /// What tiles see beyond what they are used for: to find out a motion a network looks far. With 96 pixels a well
    /// deblurred picture differed by up to 8 levels at tiles of 256, with 128 by one (Results/files.md).
    private static let margin = 128

    private func plan(_ picture: Tensor, _ options: Options) throws -> TilePlan {
        try plan(
            height: picture.shape[2], width: picture.shape[3], tiling: options.tiling,
            samples: options.samples, selfEnsemble: options.prediction.selfEnsemble,
            tracksUncertainty: options.tracksUncertainty, looksBack: options.sampling.sampler == .dpmSolver)
    }

    /// g(y) alone: the fast first picture.
    public func predicted(
        _ image: Image, settings: PredictionSettings = .init(), tiling: Tiling = .init(),
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Image {
        try restored(image) {
            try self.predicted($0, settings: settings, tiling: tiling, isCancelled: isCancelled)
        }
    }

    /// The picture with its blur divided out, which the predictor sees: no network draws anything.
    ///
    /// - Parameter settings: their kernel, or else the one estimate, of stored values where no curve is given; poses and choices are for
    ///   predictors.
    /// - Throws: ``NetworkError`` for a model without deconvolution.
    public func deconvolved(
        _ image: Image, settings: PredictionSettings = .init(),
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Image {
        try restored(image) { try self.deconvolved($0, settings: settings, isCancelled: isCancelled) }
    }

    /// 1×3×H×W in [-1, 1] → the same shape and range, on the CPU.
    public func deconvolved(
        _ blurred: Tensor, settings: PredictionSettings = .init(), isCancelled: () -> Bool = { false }
    ) throws -> Tensor {
        guard let deconvolution = model.configuration.deconvolution else {
            throw NetworkError("this model has no deconvolution")
        }
        let picture = try blurred.to(model.device)
        let kernel = try deconvolution.kernel(
            of: picture, settings.blur, network: model.networks.kernels, isCancelled: isCancelled)
        settings.blurFound?(kernel)
        return try deconvolution.filter(picture, kernels: [kernel], in: settings.curve ?? .stored).to(.cpu)
    }

    /// 1×3×H×W in [-1, 1] → the prediction, of the same shape and range, on the CPU.
    public func predicted(
        _ blurred: Tensor, settings: PredictionSettings = .init(), tiling: Tiling = .init(),
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Tensor {
        try firstPicture(of: blurred, settings: settings, tiling: tiling, isCancelled: isCancelled).picture()
    }

    /// What samples are drawn around.
    public struct FirstPicture {
        /// The prediction, 1×3×H×W, on the networks' device.
        let prediction: Tensor
        /// Of what the prediction is, for samples that want it in other poses; nil where it is the mean of some.
        let settled: SettledPicture?

        init(_ prediction: Tensor, of settled: SettledPicture? = nil) {
            (self.prediction, self.settled) = (prediction, settled)
        }

        /// The prediction, 1×3×H×W in [-1, 1], on the CPU.
        public func picture() throws -> Tensor { try prediction.clamped(-1, 1).to(.cpu) }
    }

    /// 1×3×H×W in [-1, 1] → what ``restored(_:first:options:)`` begins with, to be made once for several ways to draw.
    public func firstPicture(
        of blurred: Tensor, settings: PredictionSettings = .init(), tiling: Tiling = .init(),
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> FirstPicture {
        try noGrad {
            try firstPicture(of: blurred.to(model.device), settings, isCancelled: isCancelled) {
                try plan(
                    height: $0.shape[2], width: $0.shape[3], tiling: tiling,
                    selfEnsemble: settings.selfEnsemble
                ).grid
            }
        }
    }

    /// Of a picture as it is, or the mean of predictions that see it in some poses, its own first, as do the estimates of its
    /// blur.
    ///
    /// Mistakes of the network and of the estimate differ from pose to pose. Source: Timofte, Rothe and Van Gool, "Seven
    /// ways to improve example-based single image super resolution", CVPR 2016 ("enhanced prediction").
    ///
    /// - Parameter grid: how a picture is cut, which a pose may have changed.
    private func firstPicture(
        of blurred: Tensor, _ settings: PredictionSettings, tileDone: @escaping () -> Void = {},
        isCancelled: @escaping () -> Bool, grid: (Tensor) throws -> TileGrid
    ) throws -> FirstPicture {
        func first(_ pose: Int) throws -> FirstPicture {
            let settled = try model.networks.settled(
                blurred.posed(pose), blur: settings.blur.posed(pose), in: settings.curve, grid: grid,
                isCancelled: isCancelled)
            if pose == 0, let kernel = settled.kernel { settings.blurFound?(kernel) }
            let prediction = try model.networks.prediction(
                of: settled, grid: grid, tileDone: tileDone, isCancelled: isCancelled)
            return FirstPicture(try prediction.unposed(pose), of: settled)
        }
        let poses = Self.poses(settings.selfEnsemble)
        guard poses.count > 1 else { return try first(0) }
        var statistics = SampleStatistics()
        for pose in poses { try statistics.add(first(pose).prediction) }
        guard let mean = statistics.mean else { throw SamplingError("at least one pose is needed") }
        return FirstPicture(mean)
    }

    private static func poses(_ count: Int) -> ArraySlice<Int> { Tensor.poses.prefix(max(1, count)) }

    /// The mean of samples. Gray stays gray; depth, alpha and metadata are kept.
    ///
    /// - Throws: `CancellationError`; ``SamplingError``.
    public func restored(_ image: Image, options: Options) throws -> (image: Image, output: Output) {
        var output: Output?
        let picture = try restored(image) { blurred in
            let made = try self.restored(blurred, options: options)
            output = made
            return made.mean
        }
        guard let output else { throw SamplingError("at least one sample is needed") }
        return (picture, output)
    }

    private func restored(_ image: Image, _ body: (Tensor) throws -> Tensor) throws -> Image {
        try Self.picture(body(image.fillingTransparentPixels().tensor(channels: 3)), like: image)
    }

    /// A restored tensor as a picture with the channels, depth, alpha and metadata of its input.
    public static func picture(_ tensor: Tensor, like image: Image) throws -> Image {
        let colours = try image.colorChannels == 1 ? tensor.mean([1], keepDims: true) : tensor
        return try Image(tensor: colours, bitDepth: image.bitDepth, metadata: image.metadata)
            .takingAlpha(from: image)
    }

    /// In so many poses of the picture the predictions are made that samples are drawn around by turns. A predictor's mistakes
    /// differ from pose to pose, so that the samples' mean has less of them, and the samples tell of them by how they differ. More poses
    /// bring hardly more, and each costs as much as four samples of one step.
    public static let posesOfSamples = 4

    /// Samples of a 1×3×H×W picture in [-1, 1] and their statistics, on the CPU.
    ///
    /// Each is drawn around the prediction in one of a few poses, the first around that of the picture as it is;
    /// where ``PredictionSettings/selfEnsemble`` is above 1, all around the mean of its predictions.
    ///
    /// - Parameter first: what ``firstPicture(of:settings:tiling:isCancelled:)`` gave, where it is already known.
    public func restored(_ blurred: Tensor, first: FirstPicture? = nil, options: Options) throws -> Output {
        try noGrad {
            let source = try blurred.to(model.device)
            let samples = max(1, options.samples)
            let steps = options.sampling.levels.count - 1
            let grid = try plan(source, options).grid
            let isEnsemble = first.map { $0.settled == nil } ?? (options.prediction.selfEnsemble > 1)
            let turns = isEnsemble ? 1 : min(samples, Self.posesOfSamples)
            let poses = isEnsemble ? Self.poses(options.prediction.selfEnsemble).count : turns
            let total = (poses + samples * steps) * grid.count
            var looks = 0
            func add(_ count: Int) {
                looks += count
                options.progress(looks, total)
            }
            add(0)
            let first =
                try first
                ?? firstPicture(
                    of: source, options.prediction, tileDone: { add(1) }, isCancelled: options.isCancelled
                ) { try plan($0, options).grid }
            looks = (poses - turns + 1) * grid.count
            var statistics = SampleStatistics(tracksVariance: options.tracksUncertainty)
            for turn in 0..<turns {
                // One after the other, and the samples of each: beside the first there is never more than one in memory.
                var prediction = first.prediction
                if turn > 0, let settled = first.settled {
                    let before = looks
                    prediction = try model.networks.prediction(
                        of: settled, pose: Tensor.poses[turn], grid: { try plan($0, options).grid },
                        tileDone: { add(1) }, isCancelled: options.isCancelled)
                    looks = before + grid.count
                }
                let indices = Array(stride(from: turn, to: samples, by: turns))
                try draw(
                    indices, source, around: prediction, grid, options,
                    progress: { options.progress(looks + $0, total) }
                ) { index, sample in
                    try statistics.add(sample)
                    try options.sampleDone?(index, sample.to(.cpu))
                }
                looks += indices.count * steps * grid.count
            }
            guard let mean = statistics.mean else { throw SamplingError("at least one sample is needed") }
            return Output(
                mean: try mean.to(.cpu), standardDeviation: try statistics.standardDeviation()?.to(.cpu))
        }
    }

    /// Draws samples of given numbers around one prediction.
    ///
    /// - Parameters:
    ///   - progress: given how many looks of the denoiser are done.
    ///   - done: given each sample with its number, 1×3×H×W on the networks' device.
    private func draw(
        _ samples: [Int], _ source: Tensor, around prediction: Tensor, _ grid: TileGrid, _ options: Options,
        progress: @escaping (Int) -> Void, done: (_ index: Int, _ sample: Tensor) throws -> Void
    ) throws {
        let size = source.shape
        let looks = (options.sampling.levels.count - 1) * grid.count
        var drawn = 0
        while drawn < samples.count {
            if options.isCancelled() { throw CancellationError() }
            let before = drawn * looks
            let atOnce = grid.count > 1 ? 1 : batchSize(pixels: size[2] * size[3])
            let indices = samples[drawn..<min(samples.count, drawn + atOnce)]
            let fields = indices.map { NoiseField(seed: options.seed, sample: $0) }
            let made: Tensor
            if grid.count > 1 {
                made = try model.networks.refined(
                    blurred: source, prediction: prediction, sampling: options.sampling, grid: grid,
                    noise: { [model] draw, region in
                        try fields[0].tensor(step: draw, channels: size[1], region: region).to(model.device)
                    },
                    progress: { done, _ in progress(before + done) }, isCancelled: options.isCancelled)
            } else {
                made = try model.networks.refined(
                    blurred: source, prediction: prediction, sampling: options.sampling,
                    noise: { [model] draw in
                        try Tensor.concatenated(
                            fields.map {
                                try $0.tensor(
                                    step: draw, channels: size[1], height: size[2], width: size[3])
                            }, dim: 0
                        ).to(model.device)
                    },
                    progress: { done, _ in progress(before + done * fields.count) },
                    isCancelled: options.isCancelled)
            }
            for (row, index) in indices.enumerated() {
                try done(index, made.narrowed(0, start: row, count: 1))
            }
            drawn += indices.count
        }
    }

    /// How many samples go through the network together. It follows from the picture's size
    /// alone, never from what memory is free, so that a seed means the same everywhere.
    func batchSize(pixels: Int) -> Int {
        let atOnce = model.device == .cpu ? 1 << 18 : 1 << 23
        return max(1, atOnce / max(1, pixels))
    }
}
