import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import Tensors

/// Super-resolves pictures with an SR3 model: any size, any scale from 1 to 16.
public final class SR3Restorer {
    public struct Options {
        /// Enlargement of width and height, 1…16, also fractional.
        public var scale: Double
        public var sampler: Sampler
        /// Signal levels rising to 1; see ``NoiseSchedule/samplingLevels(_:)``.
        public var levels: [Double]
        public var temperature: Double
        /// How many samples are averaged.
        public var samples: Int
        /// Where counting of samples begins: sample k of a seed is the same picture in any run. The network sees
        /// the picture in another pose for each: its mistakes differ from pose to pose, and the mean has less of them.
        public var firstSample = 0
        public var seed: UInt64
        /// Whether the downsampled output is made to agree with the input.
        public var consistency: Bool
        /// How much memory may be used, and how pictures are cut.
        public var tiling = Tiling()
        /// Called with (looks of the network done, looks in all): one a step, or one a tile and step.
        public var progress: (Int, Int) -> Void
        public var isCancelled: () -> Bool

        public init(
            scale: Double, sampler: Sampler, levels: [Double], temperature: Double = 1, samples: Int = 1,
            seed: UInt64 = 0, consistency: Bool = true, progress: @escaping (Int, Int) -> Void = { _, _ in },
            isCancelled: @escaping () -> Bool = { false }
        ) {
            self.scale = scale
            self.sampler = sampler
            self.levels = levels
            self.temperature = temperature
            self.samples = samples
            self.seed = seed
            self.consistency = consistency
            self.progress = progress
            self.isCancelled = isCancelled
        }

        /// A model's own settings.
        public init(defaults: SamplingDefaults, scale: Double) throws {
            self.init(
                scale: scale, sampler: defaults.sampler,
                levels: try NoiseSchedule(parsing: defaults.schedule).samplingLevels(defaults.steps),
                temperature: defaults.temperature)
        }
    }

    public static let scales = 1.0...16.0

    public let model: SR3Model

    /// - Parameter precision: in which the network computes.
    /// - Throws: ``PrecisionError`` where this machine does not have it.
    public init(_ model: SR3Model, precision: InferencePrecision = .float32) throws {
        self.model = model
        try model.network.prepareForInference(precision)
    }

    /// The output's size: round(width·scale) × round(height·scale).
    public static func outputSize(width: Int, height: Int, scale: Double) -> (width: Int, height: Int) {
        (max(1, Int((Double(width) * scale).rounded())), max(1, Int((Double(height) * scale).rounded())))
    }

    /// How often the network enlarges for a scale.
    static func passes(_ scale: Double, model: SR3Configuration) -> Int {
        max(1, Int((log(scale) / log(Double(model.scale)) - 1e-9).rounded(.up)))
    }

    /// How each pass over a picture of that size is cut.
    ///
    /// - Throws: ``MemoryError`` where the largest does not fit into the memory that may be used.
    public func plans(height: Int, width: Int, options: Options) throws -> [TilePlan] {
        let network = model.configuration.network
        let budget = options.tiling.budget(on: model.device)
        // x_t; the mean of samples; a solver's last estimate; the result's own samples and file.
        let perPixel =
            12.0 + (options.samples > 1 ? 12 : 0) + (options.sampler == .dpmSolver ? 12 : 0) + 12
        return try (1...Self.passes(options.scale, model: model.configuration)).map { pass in
            let factor = Int(pow(Double(model.configuration.scale), Double(pass)).rounded())
            return try TilePlan(
                height: height * factor, width: width * factor, multiple: network.multiple,
                cost: .init(networks: [network], perPicturePixel: perPixel), budget: budget,
                side: options.tiling.side)
        }
    }

    /// Restores a picture. Gray stays gray, depth is kept, alpha is enlarged by bicubic, and
    /// metadata is carried along.
    ///
    /// - Throws: ``SamplingError`` for a scale outside 1…16; `CancellationError`.
    public func restored(_ image: Image, options: Options) throws -> Image {
        guard Self.scales.contains(options.scale) else {
            throw SamplingError("the scale must be from 1 to 16")
        }
        let size = Self.outputSize(width: image.width, height: image.height, scale: options.scale)
        // What lies under transparent pixels is no part of the picture, and would spread into it.
        let lr = try image.fillingTransparentPixels().tensor(channels: 3)
        var output = try restored(lr, height: size.height, width: size.width, options: options)
        if image.colorChannels == 1 { output = try output.mean([1], keepDims: true) }
        return try Image(tensor: output, bitDepth: image.bitDepth, metadata: image.metadata)
            .takingAlpha(from: image)
    }

    /// Restores a 1×3×h×w picture in [-1, 1] to 1×3×height×width.
    ///
    /// The network enlarges by its own factor as often as the scale needs; what is then too
    /// large is shrunk by antialiased bicubic.
    ///
    /// - Throws: ``MemoryError``; `CancellationError`; ``SamplingError``.
    public func restored(_ lr: Tensor, height: Int, width: Int, options: Options) throws -> Tensor {
        try noGrad {
            let plans = try plans(height: lr.shape[2], width: lr.shape[3], options: options)
            let samples = max(1, options.samples)
            let steps = options.levels.count - 1
            let looks = plans.map { $0.grid.count * samples * steps }
            let total = looks.reduce(0, +)
            var picture = try lr.to(model.device)
            for (pass, plan) in plans.enumerated() {
                let source = picture
                let before = looks[..<pass].reduce(0, +)
                var statistics = SampleStatistics()
                for sample in 0..<samples {
                    let drawn = try self.sample(
                        source, plan.grid, index: options.firstSample + pass * options.samples + sample,
                        pose: Tensor.poses[(options.firstSample + sample) % Tensor.poses.count],
                        options: options
                    ) { done in
                        options.progress(before + sample * steps * plan.grid.count + done, total)
                    }
                    if samples == 1 { picture = drawn } else { try statistics.add(drawn) }
                }
                picture = statistics.mean ?? picture
                if options.consistency { try Self.makeConsistent(picture, with: source) }
            }
            let size = picture.shape
            if size[2] != height || size[3] != width {
                picture = try picture.resized(height: height, width: width)
                if options.consistency {
                    try Self.makeConsistent(picture, with: lr.to(model.device))
                } else {
                    picture = try picture.clamped(-1, 1)
                }
            }
            return try picture.to(.cpu)
        }
    }

    /// One sample at the network's own scale.
    private func sample(
        _ lr: Tensor, _ grid: TileGrid, index: Int, pose: Int, options: Options,
        progress: @escaping (Int) -> Void
    ) throws -> Tensor {
        let size = lr.shape
        let (height, width) = (grid.height, grid.width)
        let field = NoiseField(seed: options.seed, sample: index)
        let resampler = try Resampler(
            inputHeight: size[2], inputWidth: size[3], outputHeight: height, outputWidth: width,
            device: lr.device)
        guard grid.count > 1 else {
            let condition = try resampler(lr)
            let context = SamplingContext(
                parameterization: model.configuration.parameterization,
                noise: { [device = model.device] draw in
                    try field.tensor(step: draw, channels: size[1], height: height, width: width).to(device)
                },
                limit: .symmetric(model.clampBound), temperature: options.temperature,
                progress: { done, _ in progress(done) }, isCancelled: options.isCancelled)
            let target = try options.sampler.sample(
                { try self.prediction(noisy: $0, condition: condition, gamma: $1, pose: pose) },
                levels: options.levels, context: context)
            return try model.picture(target: target, condition: condition).clamped(-1, 1)
        }
        let limit = CleanLimit.symmetric(model.clampBound)
        let sampler = TiledSampler(
            grid: grid, parameterization: model.configuration.parameterization, device: model.device,
            denoiser: { noisy, gamma, region in
                let condition = try resampler(lr, rows: region.rows, columns: region.columns)
                return try self.prediction(noisy: noisy, condition: condition, gamma: gamma, pose: pose)
            },
            noise: { [device = model.device] draw, region in
                try field.tensor(step: draw, channels: size[1], region: region).to(device)
            },
            limit: { _ in limit }, temperature: options.temperature,
            progress: { done, _ in progress(done) }, isCancelled: options.isCancelled)
        let picture = try sampler.sample(options.sampler, levels: options.levels, channels: size[1])
        for rows in RowBands(rows: 0..<height, width: width) {
            let condition = try resampler(lr, rows: rows, columns: 0..<width)
            let band = try picture.rows(rows)
            try band.copy(from: model.picture(target: band, condition: condition).clamped(-1, 1))
        }
        return picture
    }

    /// - Parameter pose: in which the network sees both pictures. They are padded before, so that the network's own pixels
    ///   lie alike in a tile and in the whole picture.
    private func prediction(noisy: Tensor, condition: Tensor, gamma: Double, pose: Int) throws -> Tensor {
        let size = noisy.shape
        let multiple = model.configuration.network.multiple
        func seen(_ picture: Tensor) throws -> Tensor {
            guard pose != 0 else { return picture }
            let missing = size.map { (multiple - $0 % multiple) % multiple }
            return try picture.reflectPadded(bottom: missing[2], right: missing[3]).posed(pose)
        }
        return try model.prediction(
            noisy: seen(noisy), condition: seen(condition),
            signalLevel: Tensor.full([1], gamma, device: noisy.device)
        ).unposed(pose).cropped(height: size[2], width: size[3])
    }

    /// Back-projection: adds the upsampled difference between the LR picture and the
    /// downsampled output, so that both agree (Irani and Peleg 1991).
    ///
    /// Up- and downsampling are not exact inverses, hence the few rounds; each takes most of
    /// the rest away.
    public static func consistent(_ output: Tensor, with lr: Tensor, rounds: Int = 3) throws -> Tensor {
        let picture = try output.clone()
        try makeConsistent(picture, with: lr, rounds: rounds)
        return picture
    }

    /// The same in place, band by band.
    private static func makeConsistent(_ picture: Tensor, with lr: Tensor, rounds: Int = 3) throws {
        let (large, small) = (picture.shape, lr.shape)
        let shrinking = try Resampler(
            inputHeight: large[2], inputWidth: large[3], outputHeight: small[2], outputWidth: small[3],
            device: picture.device)
        let enlarging = try Resampler(
            inputHeight: small[2], inputWidth: small[3], outputHeight: large[2], outputWidth: large[3],
            device: picture.device)
        for _ in 0..<rounds {
            let difference = try lr - shrinking(picture)
            for rows in RowBands(rows: 0..<large[2], width: large[3]) {
                let correction = try enlarging(difference, rows: rows, columns: 0..<large[3])
                let band = try picture.rows(rows)
                try band.copy(from: (band + correction).clamped(-1, 1))
            }
        }
    }
}
