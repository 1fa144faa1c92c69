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
        /// Where counting of samples begins: sample k of a seed is the same picture in any run.
        public var firstSample = 0
        public var seed: UInt64
        /// Whether the downsampled output is made to agree with the input.
        public var consistency: Bool
        /// Called with (network steps done, network steps in all).
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

    public init(_ model: SR3Model) throws {
        self.model = model
        try model.network.prepareForInference()
    }

    /// The output's size: round(width·scale) × round(height·scale).
    public static func outputSize(width: Int, height: Int, scale: Double) -> (width: Int, height: Int) {
        (max(1, Int((Double(width) * scale).rounded())), max(1, Int((Double(height) * scale).rounded())))
    }

    /// How often the network enlarges for a scale.
    private static func passes(_ scale: Double, model: SR3Configuration) -> Int {
        max(1, Int((log(scale) / log(Double(model.scale)) - 1e-9).rounded(.up)))
    }

    /// Pixels of the largest picture the network works on; more than the output's where a scale
    /// is not a power of the network's own.
    public static func workingPixels(_ image: Image, scale: Double, model: SR3Configuration) -> Double {
        Double(image.width) * Double(image.height)
            * pow(Double(model.scale), Double(2 * passes(scale, model: model)))
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
        let lr = try image.tensor(channels: 3)
        var output = try restored(lr, height: size.height, width: size.width, options: options)
        if image.colorChannels == 1 { output = try output.mean([1], keepDims: true) }
        let picture = try Image(tensor: output, bitDepth: image.bitDepth, metadata: image.metadata)
        guard let alpha = try image.alpha() else { return picture }
        return try picture.replacingAlpha(by: alpha.resized(width: size.width, height: size.height))
    }

    /// Restores a 1×3×h×w picture in [-1, 1] to 1×3×height×width.
    ///
    /// The network enlarges by its own factor as often as the scale needs; what is then too
    /// large is shrunk by antialiased bicubic.
    public func restored(_ lr: Tensor, height: Int, width: Int, options: Options) throws -> Tensor {
        try noGrad {
            let passes = Self.passes(options.scale, model: model.configuration)
            let steps = options.levels.count - 1
            var picture = try lr.to(model.device)
            for pass in 0..<passes {
                let source = picture
                var statistics = SampleStatistics()
                for sample in 0..<max(1, options.samples) {
                    let drawn = try self.sample(
                        source, index: options.firstSample + pass * options.samples + sample, options: options
                    ) { done in
                        options.progress(
                            (pass * options.samples + sample) * steps + done, passes * options.samples * steps
                        )
                    }
                    try statistics.add(drawn)
                }
                picture = statistics.mean ?? picture
                if options.consistency { picture = try Self.consistent(picture, with: source) }
            }
            let size = picture.shape
            if size[2] != height || size[3] != width {
                picture = try picture.resized(height: height, width: width)
                if options.consistency { picture = try Self.consistent(picture, with: lr.to(model.device)) }
            }
            return try picture.clamped(-1, 1).to(.cpu)
        }
    }

    /// One sample at the network's own scale.
    private func sample(
        _ lr: Tensor, index: Int, options: Options, progress: @escaping (Int) -> Void
    ) throws -> Tensor {
        let scale = model.configuration.scale
        let size = lr.shape
        let (height, width) = (size[2] * scale, size[3] * scale)
        let condition = try lr.resized(height: height, width: width)
        let field = NoiseField(seed: options.seed, sample: index)
        let context = SamplingContext(
            parameterization: model.configuration.parameterization,
            noise: { [device = model.device] draw in
                try field.tensor(step: draw, channels: size[1], height: height, width: width).to(device)
            },
            limit: .symmetric(model.clampBound), temperature: options.temperature,
            progress: { done, _ in progress(done) }, isCancelled: options.isCancelled)
        let target = try options.sampler.sample(
            { [model] noisy, gamma in
                let level = try Tensor.full([1], gamma, device: noisy.device)
                return try model.prediction(noisy: noisy, condition: condition, signalLevel: level)
            }, levels: options.levels, context: context)
        return try model.picture(target: target, condition: condition).clamped(-1, 1)
    }

    /// Back-projection: adds the upsampled difference between the LR picture and the
    /// downsampled output, so that both agree (Irani and Peleg 1991).
    ///
    /// Up- and downsampling are not exact inverses, hence the few rounds; each takes most of
    /// the rest away.
    public static func consistent(_ output: Tensor, with lr: Tensor, rounds: Int = 3) throws -> Tensor {
        let (large, small) = (output.shape, lr.shape)
        var picture = output
        for _ in 0..<rounds {
            let difference = try lr - picture.resized(height: small[2], width: small[3])
            picture = try (picture + difference.resized(height: large[2], width: large[3])).clamped(-1, 1)
        }
        return picture
    }
}
