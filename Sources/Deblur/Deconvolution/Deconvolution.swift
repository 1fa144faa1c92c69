import Degradation
import Diffusion
import Tensors

/// A first picture without learning: the blur is estimated from the picture, one kernel for all of it, and
/// divided out. Where the blur is of that kind, as of a shaken camera, little is left to do; where it is not,
/// the result is useless, and which of both it is the predictor sees and decides pixel by pixel.
public struct Deconvolution: Sendable, Codable, Equatable {
    /// Side of the kernel that is looked for, odd, pixels.
    public var kernelSide: Int
    /// Weight of the gradients in the division; see ``WienerDeconvolution``.
    public var regularization: Double

    public init(kernelSide: Int = 31, regularization: Double = 1e-2) {
        self.kernelSide = kernelSide
        self.regularization = regularization
    }

    /// - Throws: ``NetworkError`` naming the setting that cannot be.
    func validate() throws {
        guard (5...BlurKernel.maximumSide).contains(kernelSide), kernelSide % 2 == 1 else {
            throw NetworkError("kernelSide must be odd and 5 to \(BlurKernel.maximumSide)")
        }
        guard regularization > 0, regularization <= 1 else {
            throw NetworkError("regularization must be above 0 and at most 1")
        }
    }

    /// What finds out the blur.
    public var estimator: BlurEstimator { BlurEstimator(side: kernelSide) }

    /// A way to find out the blur.
    struct Way {
        var estimator: BlurEstimator
        /// By how much its estimates are preferred where they do about as well as others (``BlurChoice``). Two numbers have
        /// fitted none of the noise; of one piece a kernel is now and then because the others were taken from it.
        var preference = 1.0
    }

    /// What finds it out, the first being ``estimator``. Where the iterations end depends on which edges are
    /// followed at first and on what a kernel may be; no setting is the best for all pictures, and these err in different ones.
    var ways: [Way] {
        var straight = estimator
        (straight.family, straight.edgeWeight) = (.straight, 3.2e-2)
        // What few numbers describe is found in fewer and rougher turns as well (Results/deblur.md).
        (straight.lastIterations, straight.lastSplitting, straight.resumedSplitting) = (3, 100, 16)
        // Kernels of one piece.
        var connected = estimator
        (connected.edgeWeight, connected.kernelWeight, connected.leastIsland) = (1.6e-2, 6, 0.05)
        (connected.iterations, connected.lastIterations) = (8, 3)
        var lens = straight
        lens.family = .lens
        return [
            Way(estimator: estimator), Way(estimator: straight, preference: 1.13),
            Way(estimator: connected, preference: 0.95), Way(estimator: lens),
        ]
    }

    /// How many estimates there can be.
    public static let mostEstimates = Deconvolution().ways.count

    /// What takes it out.
    public var filter: WienerDeconvolution {
        WienerDeconvolution(regularization: regularization, margin: kernelSide)
    }

    /// Pictures with the blur taken out that is found in each.
    ///
    /// - Parameter blurred: N×3×H×W, sRGB values in [-1, 1].
    /// - Returns: the same shape and range, on the same device.
    /// - Throws: `CancellationError`.
    public func deconvolved(_ blurred: Tensor, isCancelled: () -> Bool = { false }) throws -> Tensor {
        let kernels = try (0..<blurred.shape[0]).map {
            try estimator.kernel(of: blurred.narrowed(0, start: $0, count: 1), isCancelled: isCancelled)
        }
        return try filter(blurred, kernels: kernels)
    }

    private func ways(_ count: Int) -> ArraySlice<Way> { ways.prefix(max(1, count)) }

    /// The first `count` ways to find it out, at least one.
    public func estimators(_ count: Int) -> [BlurEstimator] { ways(count).map(\.estimator) }

    /// Of what the first `count` ways find in a picture, the kernel whose deconvolved picture is nearest to the sharp one:
    /// for training, where that is known, and a predictor that could judge (``BlurChoice``) is not there yet.
    ///
    /// - Parameters:
    ///   - blurred, sharp: 1×3×H×W, sRGB values in [-1, 1].
    ///   - count: 1…``mostEstimates``.
    public func bestKernel(of blurred: Tensor, sharp: Tensor, estimates count: Int) throws -> BlurKernel {
        let kernels = try estimators(count).map { try $0.kernel(of: blurred) }
        guard kernels.count > 1 else { return kernels[0] }
        // What lies beyond the edges is not known.
        let margin = min(kernelSide, (min(blurred.shape[2], blurred.shape[3]) - 1) / 2)
        let target = try sharp.trimmed(by: margin)
        let errors = try kernels.map {
            try filter(blurred, kernels: [$0]).trimmed(by: margin).meanSquaredError(to: target).item()
        }
        let best = errors.indices.min { errors[$0] < errors[$1] } ?? 0
        return kernels[best]
    }

    /// The known kernel, or what the first of ``ways`` find in a picture, each kernel once; at least one.
    ///
    /// - Parameter blurred: 1×3×H×W, sRGB values in [-1, 1].
    /// - Throws: `CancellationError`.
    func estimates(of blurred: Tensor, _ source: BlurSource, isCancelled: () -> Bool) throws -> [BlurEstimate]
    {
        let ways: ArraySlice<Way>
        switch source {
        case .kernel(let kernel): return [BlurEstimate(kernel: kernel)]
        case .ways(let count): ways = self.ways(count)
        }
        let gray = try BlurEstimator.luma(of: blurred.to(.cpu))
        let found = try Device.oneOnEachThread(ways.count, isCancelled: isCancelled) {
            BlurEstimate(
                kernel: try ways[$0].estimator.kernel(ofLuma: gray), preference: ways[$0].preference)
        }
        return found.indices.filter { index in
            !found[..<index].contains { $0.kernel == found[index].kernel }
        }.map { found[$0] }
    }
}

/// A picture's blur as one way sees it.
struct BlurEstimate: Sendable, Equatable {
    var kernel: BlurKernel
    /// See ``Deconvolution/Way``.
    var preference = 1.0
}
