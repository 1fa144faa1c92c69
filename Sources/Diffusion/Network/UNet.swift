import Tensors

/// The denoising network: a U-Net over the noisy picture and its condition.
///
/// Input: x_t N×C×H×W, condition N×C'×H×W, signal level γ of length N. Output: a prediction
/// N×C×H×W. Any height and width: both pictures are padded by reflection to the network's
/// multiple and the prediction is cropped. The last convolution starts at zero, so that an untrained
/// network predicts 0.
/// Source: Ronneberger et al. 2015; Ho et al. 2020, appendix B; Saharia et al. 2021, appendix A;
/// pixel-unshuffled input as in Shi et al. 2016.
public final class UNet: Module {
    public let configuration: UNetConfiguration
    private let embedding: LevelEmbedding?
    private let input: Conv2d
    private let output: Conv2d
    private let outputNorm: GroupNorm?
    private let down: [Level]
    private let middle: [Step]
    private let up: [Level]
    /// Of a network prepared for inference on a CUDA device.
    private var replays: ReplayedFunction?
    /// What features are kept in between layers, where that is not the pictures' type.
    private var streamType: DType?

    /// A residual block and, at some levels, attention after it.
    private struct Step {
        let block: ResidualBlock
        let attention: SelfAttention?

        func callAsFunction(_ x: Tensor, _ embedding: Tensor?) throws -> Tensor {
            let h = try block(x, embedding)
            return try attention?(h) ?? h
        }
    }

    /// One resolution on the way down or up.
    private struct Level {
        var steps: [Step] = []
        /// The change of size: at the end of a level on the way down, at its start on the way up.
        var resize: Resize?
    }

    /// A change of size and width.
    private enum Resize {
        case block(ResidualBlock)
        /// With stride 2.
        case convolution(Conv2d)
        /// With stride 2, after a row and a column of zeros at the ends.
        case convolutionAtEnd(Conv2d)
        /// After nearest-neighbour enlargement.
        case enlarged(Conv2d)
        /// To four times the channels, which become pixels.
        case shuffled(Conv2d)

        var module: Module {
            switch self {
            case .block(let block): block
            case .convolution(let convolution), .convolutionAtEnd(let convolution),
                .enlarged(let convolution),
                .shuffled(let convolution):
                convolution
            }
        }

        func callAsFunction(_ x: Tensor, _ embedding: Tensor?) throws -> Tensor {
            switch self {
            case .block(let block): try block(x, embedding)
            case .convolution(let convolution): try convolution(x)
            case .convolutionAtEnd(let convolution): try convolution(x.zeroPadded(bottom: 1, right: 1))
            case .enlarged(let convolution): try convolution(x.upsampledNearest(2))
            case .shuffled(let convolution): try convolution(x).pixelShuffled(2)
            }
        }
    }

    /// - Parameter seed: for the initial weights; nil leaves them at 0, to be loaded.
    public init(_ configuration: UNetConfiguration, seed: UInt64? = 0, device: Device = .cpu) throws {
        try configuration.validate()
        self.configuration = configuration
        let make = Initializer(seed: seed, device: device)
        let base = configuration.baseWidth
        let width = configuration.levelEncoding.width(base: base)
        let widths = configuration.multipliers.map { $0 * base }
        let area = configuration.patchSize * configuration.patchSize
        var parts: [(String, Module)] = []

        func attends(_ level: Int) -> Bool { configuration.attentionLevels.contains(level) }

        func step(_ inputs: Int, _ outputs: Int, attends: Bool, name: String) throws -> Step {
            let block = try ResidualBlock(inputs, outputs, embedding: width, configuration, make)
            parts.append((name, block))
            guard attends else { return Step(block: block, attention: nil) }
            let attention = try SelfAttention(outputs, configuration, make)
            parts.append(("\(name)_attention", attention))
            return Step(block: block, attention: attention)
        }

        embedding =
            configuration.levelConditioning == .none
            ? nil : try LevelEmbedding(configuration.levelEncoding, base: base, make)
        input = try Conv2d((configuration.imageChannels + configuration.conditionChannels) * area, base, make)
        var channels = base
        let concatenates = configuration.skipConnections == .concatenated
        /// Channels of the features that wait to be concatenated.
        var waiting = [base]

        func resized(_ resampling: ResidualBlock.Resampling, to outputs: Int, name: String) throws -> Resize {
            let part: Resize
            if configuration.residualResampling {
                part = .block(
                    try ResidualBlock(
                        channels, outputs, embedding: width, resampling: resampling, configuration, make))
            } else {
                part =
                    switch (configuration.resampling, resampling) {
                    case (.patches, .down):
                        .convolution(try Conv2d(channels, outputs, kernel: 2, stride: 2, padding: 0, make))
                    case (.patches, _): .shuffled(try Conv2d(channels, outputs * 4, kernel: 1, make))
                    case (.strided, .down): .convolution(try Conv2d(channels, outputs, stride: 2, make))
                    case (.stridedAtEnd, .down):
                        .convolutionAtEnd(try Conv2d(channels, outputs, stride: 2, padding: 0, make))
                    case (.strided, _), (.stridedAtEnd, _): .enlarged(try Conv2d(channels, outputs, make))
                    }
            }
            parts.append((name, part.module))
            channels = outputs
            return part
        }

        var down: [Level] = []
        for (level, wide) in widths.enumerated() {
            var part = Level()
            for index in 0..<configuration.blocks {
                part.steps.append(
                    try step(channels, wide, attends: attends(level), name: "down\(level)_\(index)"))
                channels = wide
                waiting.append(channels)
            }
            if level + 1 < widths.count {
                // With skips added, the size change brings the next level's width along.
                part.resize = try resized(
                    .down, to: concatenates ? channels : widths[level + 1], name: "shrink\(level)")
                waiting.append(channels)
            }
            down.append(part)
        }
        middle = try (0..<(concatenates ? 2 : 1)).map { index in
            let hasAttention =
                switch configuration.middleAttention {
                case .asLevel: attends(widths.count - 1)
                case .once: index == 0
                case .none: false
                }
            return try step(
                channels, channels, attends: hasAttention, name: index == 0 ? "middle" : "middle\(index)")
        }
        var up: [Level] = []
        for (level, wide) in widths.enumerated().reversed() {
            var part = Level()
            if level + 1 < widths.count {
                part.resize = try resized(.up, to: concatenates ? channels : wide, name: "grow\(level)")
            } else if !concatenates {
                continue
            }
            for index in 0..<(configuration.blocks + (concatenates ? 1 : 0)) {
                let inputs = channels + (concatenates ? waiting.removeLast() : 0)
                part.steps.append(
                    try step(inputs, wide, attends: attends(level), name: "up\(level)_\(index)"))
                channels = wide
            }
            up.append(part)
        }
        outputNorm =
            try configuration.norm == .group
            ? configuration.normalization(channels, make) : nil
        output = try Conv2d(channels, configuration.imageChannels * area, zero: true, make)
        self.down = down
        self.up = up
        super.init()
        if let embedding { _ = register("embedding", embedding) }
        _ = register("input", input)
        for (name, module) in parts { _ = register(name, module) }
        if let outputNorm { _ = register("output_norm", outputNorm) }
        _ = register("output", output)
    }

    /// Predicts noise, velocity or clean picture, whatever the network was trained for.
    ///
    /// - Parameters:
    ///   - noisy: N×imageChannels×H×W
    ///   - condition: N×conditionChannels×H×W, or nil for an unconditional network
    ///   - signalLevel: γ in [0, 1], length N, or 1 for all
    public func callAsFunction(_ noisy: Tensor, condition: Tensor?, signalLevel: Tensor) throws -> Tensor {
        let size = noisy.shape
        guard size.count == 4 else {
            throw TensorError(operation: "UNet", shapes: [size], reason: "the noisy picture must be N×C×H×W")
        }
        guard signalLevel.count == 1 || signalLevel.count == size[0] else {
            throw TensorError(
                operation: "UNet", shapes: [size, signalLevel.shape],
                reason: "there must be one signal level, or one for each picture")
        }
        guard let replays else { return try predicted(noisy, condition: condition, level: signalLevel) }
        return try replays([noisy, signalLevel] + (condition.map { [$0] } ?? []))
    }

    private func predicted(_ noisy: Tensor, condition: Tensor?, level signalLevel: Tensor) throws -> Tensor {
        let size = noisy.shape
        let multiple = configuration.multiple
        let bottom = (multiple - size[2] % multiple) % multiple
        let right = (multiple - size[3] % multiple) % multiple
        // A whole network's padding is decided once: condition and noisy picture must mirror
        // the same pixels.
        let pictures = try [noisy, condition].compactMap {
            try $0?.reflectPadded(bottom: bottom, right: right)
        }
        var h = try patches(of: pictures)
        let level = try embedding.map { try $0(signalLevel.to(h.dtype)) }
        h = try input(h)
        if let streamType { h = try h.to(streamType) }
        let concatenates = configuration.skipConnections == .concatenated
        var skips = concatenates ? [h] : []
        for part in down {
            for step in part.steps {
                h = try step(h, level)
                if concatenates { skips.append(h) }
            }
            guard let resize = part.resize else { continue }
            if !concatenates { skips.append(h) }
            h = try resize(h, level)
            if concatenates { skips.append(h) }
        }
        for step in middle { h = try step(h, level) }
        for part in up {
            if let resize = part.resize { h = try resize(h, level) }
            if !concatenates, let skip = skips.popLast() { h = try h + skip }
            for step in part.steps {
                if concatenates, let skip = skips.popLast() {
                    h = try Tensor.concatenated([h, skip], dim: 1)
                }
                h = try step(h, level)
            }
        }
        if let outputNorm { h = try silu(outputNorm(h)) }
        h = try output(h).to(noisy.dtype)
        let picture =
            try output.isPrepared ? h.picture(ofPatches: configuration.patchSize) : nil
        return try (picture ?? h.pixelShuffled(configuration.patchSize))
            .cropped(height: size[2], width: size[3])
    }

    /// Patches to channels, picture by picture as PyTorch orders them, in channels-last memory.
    private func patches(of pictures: [Tensor]) throws -> Tensor {
        let patch = configuration.patchSize
        if input.isPrepared, let patches = try Tensor.patches(of: pictures, size: patch) { return patches }
        let whole = pictures.count == 1 ? pictures[0] : try Tensor.concatenated(pictures, dim: 1)
        return try whole.pixelUnshuffled(patch).channelsLast()
    }

    /// Packs every convolution for inference; see ``Conv2d/prepareForInference(_:)``. On a CUDA device calls for
    /// pictures of one size are replayed from the third on.
    ///
    /// - Parameter precision: on the CPU of the convolutions in residual blocks, nearly all there is to compute; the
    ///   first and the last, and those between levels, stay in float32.
    /// - Throws: ``PrecisionError`` where this machine does not have it.
    public func prepareForInference(_ precision: InferencePrecision = .float32) throws {
        let device = input.weight.device
        try precision.requireSupport(on: device)
        try forEachModule { try ($0 as? ResidualBlock)?.prepareForInference(precision) }
        try forEachModule { try ($0 as? Conv2d)?.prepareForInference(device.isCUDA ? precision : .float32) }
        guard device.isCUDA else { return }
        // Norms and attention compute in float32, between convolutions that need not.
        let isPlain =
            configuration.norm == .none && configuration.attentionLevels.isEmpty
            && configuration.middleAttention != .once && configuration.levelConditioning != .affine
        streamType = isPlain && precision == .bfloat16 ? .bfloat16 : nil
        replays = ReplayedFunction { [unowned self] inputs in
            try predicted(inputs[0], condition: inputs.count > 2 ? inputs[2] : nil, level: inputs[1])
        }
    }

    public override func parametersDidChange() { (replays, streamType) = (nil, nil) }

    /// Why calls on a CUDA device are not replayed, where they are not.
    public var replayFailure: String? { replays?.failure }
}
