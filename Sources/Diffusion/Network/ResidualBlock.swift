import Tensors

/// Two convolutions around a skip; between them the signal level comes in.
///
/// With normalisation: x + conv(SiLU(norm(level(conv(SiLU(norm(x))))))), as in DDPM.
/// Without: x + conv(SiLU(level(conv(x)))). The residual stream then stays linear (as in
/// EDSR, Lim et al. 2017), and each convolution takes its neighbour's work into its own pass.
final class ResidualBlock: Module {
    /// What happens to the size before the first convolution.
    enum Resampling { case none, down, up }

    private let configuration: UNetConfiguration
    private let resampling: Resampling
    private let conv1: Conv2d
    private let conv2: Conv2d
    private let level: Linear?
    private let skip: Conv2d?
    private let norm1: GroupNorm?
    private let norm2: GroupNorm?
    private let outputs: Int

    init(
        _ inputs: Int, _ outputs: Int, embedding: Int, resampling: Resampling = .none,
        _ configuration: UNetConfiguration, _ initializer: Initializer
    ) throws {
        self.configuration = configuration
        self.resampling = resampling
        self.outputs = outputs
        let grouped = configuration.norm == .group
        norm1 = try grouped ? configuration.normalization(inputs, initializer) : nil
        norm2 = try grouped ? configuration.normalization(outputs, initializer) : nil
        conv1 = try Conv2d(inputs, outputs, initializer)
        conv2 = try Conv2d(outputs, outputs, zero: true, initializer)
        level =
            switch configuration.levelConditioning {
            case .affine: try Linear(embedding, outputs * 2, initializer)
            case .bias: try Linear(embedding, outputs, initializer)
            case .none: nil
            }
        skip = try inputs == outputs ? nil : Conv2d(inputs, outputs, kernel: 1, initializer)
        super.init()
        if let norm1 { _ = register("norm1", norm1) }
        _ = register("conv1", conv1)
        if let level { _ = register("level", level) }
        if let norm2 { _ = register("norm2", norm2) }
        _ = register("conv2", conv2)
        if let skip { _ = register("skip", skip) }
    }

    private func resampled(_ x: Tensor) throws -> Tensor {
        switch resampling {
        case .none: x
        case .down: try x.averagePooled(2)
        case .up: try x.upsampledNearest(2)
        }
    }

    /// - Parameter embedding: N×width or 1×width; nil for a network without levels.
    func callAsFunction(_ input: Tensor, _ embedding: Tensor?) throws -> Tensor {
        let x = try resampled(input)
        var h = x
        if let norm1 { h = try resampled(silu(norm1(input))) }
        var conditioning: Tensor?
        if let level, let embedding { conditioning = try level(embedding) }
        let isShift = configuration.levelConditioning != .affine && (conditioning?.shape[0] ?? 1) == 1
        if norm2 == nil, conv1.isPrepared, isShift {
            h = try conv1(h, shift: conditioning?.reshaped([outputs]), then: .silu)
        } else {
            h = try conv1(h)
            if let conditioning {
                if configuration.levelConditioning == .affine {
                    let parts = try conditioning.chunks(2, dim: 1).map {
                        try $0.reshaped([-1, outputs, 1, 1])
                    }
                    h = try h * (1 + parts[0]) + parts[1]
                } else {
                    h = try h + conditioning.reshaped([-1, outputs, 1, 1])
                }
            }
            if let norm2 { h = try norm2(h) }
            h = try silu(h)
        }
        if configuration.dropout > 0 && isTraining {
            h = try h.dropout(configuration.dropout, training: true)
        }
        if let skip { return try conv2(h, then: .addInto(skip(x))) }
        // Where skip connections are added, none of them holds what a block was given.
        let isMine = configuration.skipConnections == .added && resampling == .none
        return try conv2(h, then: isMine ? .addInto(x) : .add(x))
    }

    /// Packs the two convolutions for inference in a number format; see ``Conv2d/prepareForInference(_:)``.
    func prepareForInference(_ precision: InferencePrecision) throws {
        try conv1.prepareForInference(precision)
        try conv2.prepareForInference(precision)
    }
}
