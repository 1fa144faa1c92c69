import Degradation
import Diffusion
import Tensors

/// The networks of predict-and-refine: the predictor g(y) makes a first sharp picture, the
/// denoiser f(x_t, y, γ) diffuses the residual sharp − g(y).
///
/// Source: Whang et al., "Deblurring via stochastic refinement", CVPR 2022, section 3.
public final class PredictAndRefine: Module {
    public let configuration: DeblurConfiguration
    public let predictor: UNet
    public let denoiser: UNet
    /// What improves estimates of the blur, where the configuration's deconvolution has a network.
    public let kernels: KernelNetwork?

    private static let kernelsName = "kernels"

    public init(_ configuration: DeblurConfiguration, seed: UInt64? = 0, device: Device = .cpu) throws {
        try configuration.validate()
        self.configuration = configuration
        predictor = try UNet(configuration.predictor, seed: seed, device: device)
        denoiser = try UNet(configuration.denoiser, seed: seed.map { $0 &+ 1 }, device: device)
        kernels = try configuration.deconvolution.flatMap { deconvolution in
            try deconvolution.network.map {
                try KernelNetwork(
                    $0, kernelSide: deconvolution.kernelSide, seed: seed.map { $0 &+ 2 }, device: device)
            }
        }
        super.init()
        _ = register("predictor", predictor)
        _ = register("denoiser", denoiser)
        if let kernels { _ = register(Self.kernelsName, kernels) }
    }

    /// g(y): the blurred picture plus what the network adds to it, so that an untrained predictor
    /// returns its input.
    ///
    /// With a deconvolved picture d the network tells besides how much of it is taken, for each pixel and
    /// channel: g = y + f + m·(d − y), f and m being the halves of its output.
    ///
    /// - Parameters:
    ///   - blurred: N×3×H×W in [-1, 1].
    ///   - deconvolved: the same shape; nil to make it, where the configuration wants one.
    public func prediction(of blurred: Tensor, deconvolved: Tensor? = nil) throws -> Tensor {
        let seen = try seen(blurred, deconvolved)
        return try prediction(of: seen, output: output(seen))
    }

    /// The same without gradients, tile by tile for pictures of any size, and without blotches (``PredictionGuard``).
    ///
    /// - Parameter blurred: 1×3×H×W in [-1, 1], on the networks' device.
    public func prediction(
        of blurred: Tensor, deconvolved: Tensor? = nil, grid: TileGrid, tileDone: @escaping () -> Void = {},
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Tensor {
        try noGrad {
            let seen = try seen(blurred, deconvolved, isCancelled: isCancelled)
            guard grid.count > 1 else { return try prediction(of: seen, output: steadyOutput(seen)) }
            let made = try Tensor.zeros(blurred.shape, device: blurred.device)
            try TiledPass(grid: grid, isCancelled: isCancelled, tileDone: tileDone).run(
                read: { try seen.rows($0) },
                network: { tile, _ in try steadyOutput(tile) },
                finish: { rows, output in
                    try made.rows(rows).copy(from: prediction(of: seen.rows(rows), output: output))
                })
            return made
        }
    }

    /// What the predictor looks at: the blurred picture, and the deconvolved one beside it if there is one.
    private func seen(
        _ blurred: Tensor, _ deconvolved: Tensor?, isCancelled: () -> Bool = { false }
    ) throws -> Tensor {
        guard let deconvolution = configuration.deconvolution else { return blurred }
        let second =
            try deconvolved
            ?? deconvolution.deconvolved(blurred, network: kernels, isCancelled: isCancelled)
        return try Tensor.concatenated([blurred, second], dim: 1)
    }

    private func output(_ seen: Tensor) throws -> Tensor {
        // The predictor is the engine's U-Net without noise: its picture is all signal, γ = 1.
        let level = try Tensor.full([1], 1, device: seen.device)
        return try predictor(seen, condition: nil, signalLevel: level)
    }

    private func steadyOutput(_ seen: Tensor) throws -> Tensor {
        guard configuration.deconvolution != nil else { return try output(seen) }
        return try PredictionGuard.steadied(seen, look: output)
    }

    private func prediction(of seen: Tensor, output: Tensor) throws -> Tensor {
        guard configuration.deconvolution != nil else { return try seen + output }
        let blurred = try seen.narrowed(1, start: 0, count: 3)
        let deconvolved = try seen.narrowed(1, start: 3, count: 3)
        let share = try output.narrowed(1, start: 3, count: 3)
        return try blurred + output.narrowed(1, start: 0, count: 3) + share * (deconvolved - blurred)
    }

    /// Whether a weight of a network without deconvolution is the first part of that of one with it.
    public static func isWidenedByDeconvolution(_ name: String) -> Bool {
        ["predictor.input.weight", "predictor.output.weight", "predictor.output.bias"].contains(name)
    }

    /// Whether a weight is of the network that improves kernels: one without it can be given it.
    public static func isOfKernels(_ name: String) -> Bool { name.hasPrefix(kernelsName + ".") }

    /// What the denoiser is given besides the noisy residual.
    public func condition(blurred: Tensor, prediction: Tensor) throws -> Tensor {
        try configuration.conditionsOnPrediction
            ? Tensor.concatenated([blurred, prediction], dim: 1) : blurred
    }

    // MARK: residual

    /// x₀: (sharp − prediction)/scale.
    public func residual(sharp: Tensor, prediction: Tensor) throws -> Tensor {
        try (sharp - prediction) / configuration.residualScale
    }

    /// The picture that a residual stands for: prediction + scale·x₀.
    public func picture(residual: Tensor, prediction: Tensor) throws -> Tensor {
        try prediction + residual * configuration.residualScale
    }

    // MARK: training

    /// How the two networks are trained together.
    public struct LossOptions: Sendable, Equatable {
        /// Whether the diffusion loss stops at the prediction. Off in the paper: its gradient
        /// reaches the predictor.
        public var detachesPrediction: Bool
        /// Weight of the predictor's own loss, the distance of prediction and sharp picture in
        /// units of the residual's scale. 0 in the paper.
        public var reconstructionWeight: Double

        public init(detachesPrediction: Bool = false, reconstructionWeight: Double = 0) {
            self.detachesPrediction = detachesPrediction
            self.reconstructionWeight = reconstructionWeight
        }
    }

    /// The joint loss of a batch, a differentiable scalar (eq. 6 of the paper, with the
    /// objective's parameterisation).
    ///
    /// - Parameters:
    ///   - sharp, blurred: N×3×H×W in [-1, 1].
    ///   - deconvolved: what the predictor sees besides, where the configuration wants it.
    ///   - noise: N(0, 1), N×3×H×W.
    ///   - levels: of the objective; one per sample, see ``NoiseSchedule/trainingLevel(_:_:)``.
    ///   - further: a loss on the refined pictures that the denoiser estimates, N×3×H×W in [-1, 1] up to
    ///     overshoot, that is added. With it the prediction is detached, whatever `options` say: what the denoiser
    ///     is given and asked for depends on the prediction, by which the loss would reach the predictor, and that
    ///     must stay the one of least error.
    /// - Throws: ``NetworkError`` where nothing would be left for the predictor to learn from.
    public func loss(
        _ objective: Objective, sharp: Tensor, blurred: Tensor, deconvolved: Tensor? = nil, noise: Tensor,
        levels: Objective.Levels, options: LossOptions, further: ((_ picture: Tensor) throws -> Tensor)? = nil
    ) throws -> Tensor {
        guard further == nil || options.reconstructionWeight > 0 else {
            throw NetworkError("a further loss needs a reconstruction weight above 0")
        }
        let prediction = try prediction(of: blurred, deconvolved: deconvolved)
        let residual = try residual(sharp: sharp, prediction: prediction)
        let isDetached = options.detachesPrediction || further != nil
        let seen = try isDetached ? prediction.detach() : prediction
        let condition = try condition(blurred: blurred, prediction: seen)
        let diffusion = try objective.value(
            clean: isDetached ? residual.detach() : residual, noise: noise, levels: levels,
            denoiser: { noisy, level in
                try denoiser(noisy, condition: condition, signalLevel: level)
            },
            further: further.map { further in
                { try further(self.picture(residual: $0, prediction: seen)) }
            })
        guard options.reconstructionWeight > 0 else { return diffusion }
        let reconstruction =
            switch objective.loss {
            case .l1: try residual.magnitude().mean()
            case .l2: try residual.squared().mean()
            }
        return try diffusion + reconstruction * options.reconstructionWeight
    }
}
