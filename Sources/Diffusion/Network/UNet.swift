import Tensors

/// The denoising network: a U-Net over the noisy picture and its condition.
///
/// Input: x_t N×C×H×W, condition N×C'×H×W, signal level γ of length N. Output: a prediction
/// N×C×H×W. Any height and width: both pictures are padded by reflection to the network's
/// multiple and the prediction is cropped. The skip from the way down is added to the way up,
/// which keeps convolutions narrow. The last convolution starts at zero, so that an untrained
/// network predicts 0.
/// Source: Ronneberger et al. 2015; Ho et al. 2020, appendix B; Saharia et al. 2021, appendix A;
/// pixel-unshuffled input as in Shi et al. 2016.
public final class UNet: Module {
    public let configuration: UNetConfiguration
    private let embedding: LevelEmbedding
    private let input: Conv2d
    private let output: Conv2d
    private let outputNorm: GroupNorm?
    private let down: [Level]
    private let middle: [Step]
    private let up: [Level]

    /// A residual block and, at some levels, attention after it.
    private struct Step {
        let block: ResidualBlock
        let attention: SelfAttention?

        func callAsFunction(_ x: Tensor, _ embedding: Tensor) throws -> Tensor {
            let h = try block(x, embedding)
            return try attention?(h) ?? h
        }
    }

    /// One resolution on the way down or up.
    private struct Level {
        var steps: [Step] = []
        /// The change of size: a residual block or a plain convolution.
        var block: ResidualBlock?
        var convolution: Conv2d?
    }

    /// - Parameter seed: for the initial weights.
    public init(_ configuration: UNetConfiguration, seed: UInt64 = 0, device: Device = .cpu) throws {
        try configuration.validate()
        self.configuration = configuration
        let make = Initializer(seed: seed, device: device)
        let base = configuration.baseWidth
        let width = base * 4
        let widths = configuration.multipliers.map { $0 * base }
        let area = configuration.patchSize * configuration.patchSize
        var parts: [(String, Module)] = []

        func step(_ inputs: Int, _ outputs: Int, level: Int, name: String) throws -> Step {
            let block = try ResidualBlock(inputs, outputs, embedding: width, configuration, make)
            parts.append((name, block))
            guard configuration.attentionLevels.contains(level) else {
                return Step(block: block, attention: nil)
            }
            let attention = try SelfAttention(outputs, make)
            parts.append(("\(name)_attention", attention))
            return Step(block: block, attention: attention)
        }

        embedding = try LevelEmbedding(width: width, make)
        input = try Conv2d((configuration.imageChannels + configuration.conditionChannels) * area, base, make)
        var channels = base
        var down: [Level] = []
        for (level, wide) in widths.enumerated() {
            var part = Level()
            for index in 0..<configuration.blocks {
                part.steps.append(try step(channels, wide, level: level, name: "down\(level)_\(index)"))
                channels = wide
            }
            if level + 1 < widths.count {
                let next = widths[level + 1]
                if configuration.residualResampling {
                    let block = try ResidualBlock(
                        channels, next, embedding: width, resampling: .down, configuration, make)
                    part.block = block
                    parts.append(("shrink\(level)", block))
                } else {
                    let convolution = try Conv2d(channels, next, kernel: 2, stride: 2, padding: 0, make)
                    part.convolution = convolution
                    parts.append(("shrink\(level)", convolution))
                }
                channels = next
            }
            down.append(part)
        }
        middle = [try step(channels, channels, level: widths.count - 1, name: "middle")]
        var up: [Level] = []
        for level in (0..<(widths.count - 1)).reversed() {
            let wide = widths[level]
            var part = Level()
            if configuration.residualResampling {
                let block = try ResidualBlock(
                    channels, wide, embedding: width, resampling: .up, configuration, make)
                part.block = block
                parts.append(("grow\(level)", block))
            } else {
                let convolution = try Conv2d(channels, wide * 4, kernel: 1, make)
                part.convolution = convolution
                parts.append(("grow\(level)", convolution))
            }
            channels = wide
            for index in 0..<configuration.blocks {
                part.steps.append(try step(channels, wide, level: level, name: "up\(level)_\(index)"))
            }
            up.append(part)
        }
        outputNorm =
            try configuration.norm == .group
            ? GroupNorm(groups: ResidualBlock.groups(channels), channels: channels, make) : nil
        output = try Conv2d(channels, configuration.imageChannels * area, zero: true, make)
        self.down = down
        self.up = up
        super.init()
        _ = register("embedding", embedding)
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
        let multiple = configuration.multiple
        let bottom = (multiple - size[2] % multiple) % multiple
        let right = (multiple - size[3] % multiple) % multiple
        // A whole network's padding is decided once: condition and noisy picture must mirror
        // the same pixels.
        var picture = try condition.map { try Tensor.concatenated([noisy, $0], dim: 1) } ?? noisy
        picture = try picture.reflectPadded(bottom: bottom, right: right)
        var h = try unshuffled(picture)
        let level = try embedding(signalLevel.to(h.dtype))
        h = try input(h)
        var skips: [Tensor] = []
        for part in down {
            for step in part.steps { h = try step(h, level) }
            if part.block != nil || part.convolution != nil { skips.append(h) }
            if let block = part.block { h = try block(h, level) }
            if let convolution = part.convolution { h = try convolution(h) }
        }
        for step in middle { h = try step(h, level) }
        for part in up {
            if let block = part.block { h = try block(h, level) }
            if let convolution = part.convolution { h = try convolution(h).pixelShuffled(2) }
            if let skip = skips.popLast() { h = try h + skip }
            for step in part.steps { h = try step(h, level) }
        }
        if let outputNorm { h = try outputNorm(h).silu() }
        return try output(h).pixelShuffled(configuration.patchSize).cropped(height: size[2], width: size[3])
    }

    /// Patches to channels, picture by picture as PyTorch orders them, in channels-last memory.
    private func unshuffled(_ picture: Tensor) throws -> Tensor {
        try picture.pixelUnshuffled(configuration.patchSize).channelsLast()
    }

    /// Packs every convolution for inference; see ``Conv2d/prepareForInference(inputSize:)``.
    public func prepareForInference() throws {
        try forEachModule { try ($0 as? Conv2d)?.prepareForInference() }
    }
}
