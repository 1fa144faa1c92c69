import Degradation
import Diffusion
import ImageTensors
import Tensors

/// A first picture in which no network draws: the blur is estimated from the picture, one kernel for all of it or,
/// in large ones, for each part (``BlurField``), and divided out. Where the blur is of that kind, as of a shaken camera, little is left to do; where it is not,
/// the result is useless, and which of both it is the predictor sees and decides pixel by pixel.
public struct Deconvolution: Sendable, Codable, Equatable {
    /// Side of the kernel that is looked for, odd, pixels.
    public var kernelSide: Int
    /// Weight of the gradients in the division; see ``WienerDeconvolution``.
    public var regularization: Double
    /// What improves kernels found by edges (``KernelNetwork``); nil for none.
    public var network: UNetConfiguration?

    public init(kernelSide: Int = 31, regularization: Double = 1e-2, network: UNetConfiguration? = nil) {
        self.kernelSide = kernelSide
        self.regularization = regularization
        self.network = network.map(KernelNetwork.fitted)
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        kernelSide = try values.decode(Int.self, forKey: .kernelSide)
        regularization = try values.decode(Double.self, forKey: .regularization)
        network = try values.decodeIfPresent(UNetConfiguration.self, forKey: .network)
            .map(KernelNetwork.fitted)
    }

    /// - Throws: ``NetworkError`` naming the setting that cannot be.
    func validate() throws {
        guard (5...BlurKernel.maximumSide).contains(kernelSide), kernelSide % 2 == 1 else {
            throw NetworkError("kernelSide must be odd and 5 to \(BlurKernel.maximumSide)")
        }
        guard regularization > 0, regularization <= 1 else {
            throw NetworkError("regularization must be above 0 and at most 1")
        }
        try network?.validate()
    }

    /// What finds out a blur of any form.
    public var estimator: BlurEstimator { BlurEstimator(side: kernelSide) }

    /// What finds out straight motion and defocus.
    public var spectrum: BlurSpectrum { BlurSpectrum(side: kernelSide) }

    /// A way to find out the blur by the picture's edges.
    struct Way: Encodable {
        var estimator: BlurEstimator
        /// Whether it looks at the picture with rows and columns exchanged.
        var isTransposed = false
        /// By how much its estimates are preferred where they do about as well as others (``BlurChoice``).
        var preference = 1.0
    }

    /// The first is ``estimator``. Where the iterations end depends on which edges are
    /// followed at first, on what a kernel may be, and on rounding; no setting is the best for all pictures, and these err in different ones.
    var ways: [Way] {
        // Kernels of one piece, which a kernel is now and then because the others were taken from it.
        var connected = estimator
        (connected.edgeWeight, connected.kernelWeight, connected.leastIsland) = (1.6e-2, 6, 0.05)
        (connected.iterations, connected.lastIterations) = (8, 3)
        // Nearer to light, which is what a blur adds up, and not so far that pictures of other curves are lost.
        var nearLight = estimator
        nearLight.exponent = 1.5
        return [
            Way(estimator: estimator), Way(estimator: nearLight, isTransposed: true),
            Way(estimator: estimator, isTransposed: true), Way(estimator: connected, preference: 0.95),
        ]
    }

    /// Where ``BlurSpectrum/Finding/clearness`` is above it, nothing else is looked for. These and ``spectrumPreference`` were
    /// chosen on photographs of no test set with motion, shake and defocus, and such that the pictures of gopro-val, whose
    /// parts have moved differently, do not lose (Results/deblur.md).
    static let sureClearness = 0.2
    /// Where it is below, the finding is none: sharp photographs come to 0.04.
    static let leastClearness = 0.05
    /// Kernels whose cosine is above it make about the same picture, and the first of them stands for all.
    static let alike = 0.98
    /// Two numbers have fitted none of the noise.
    static let spectrumPreference = 1.05

    /// In how many ways a blur can be looked for: by the spectrum, and ``ways``.
    public static let mostEstimates = Deconvolution().ways.count + 1

    /// What takes it out.
    public var filter: WienerDeconvolution {
        WienerDeconvolution(regularization: regularization, margin: kernelSide)
    }

    /// Pictures with the blur taken out that is found in each.
    ///
    /// - Parameters:
    ///   - blurred: N×3×H×W, sRGB values in [-1, 1].
    ///   - network: made by ``network``, here and below.
    /// - Returns: the same shape and range, on the same device.
    /// - Throws: `CancellationError`.
    public func deconvolved(
        _ blurred: Tensor, network: KernelNetwork? = nil, isCancelled: () -> Bool = { false }
    ) throws -> Tensor {
        let kernels = try (0..<blurred.shape[0]).map {
            try kernel(
                of: blurred.narrowed(0, start: $0, count: 1), network: network, isCancelled: isCancelled)
        }
        return try filter(blurred, kernels: kernels)
    }

    /// The known kernel, or the one estimate of a picture's blur if there is to be no choice.
    ///
    /// - Parameter blurred: 1×3×H×W, sRGB values in [-1, 1].
    /// - Throws: `CancellationError`.
    public func kernel(
        of blurred: Tensor, _ source: BlurSource = .ways(1), network: KernelNetwork? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> BlurKernel {
        try estimates(of: blurred, source.alone, network: network, isCancelled: isCancelled)[0].kernel
    }

    /// All that a network sees while the blur of a picture is looked for by edges: what it learns from.
    ///
    /// - Parameters:
    ///   - blurred: 1×3×H×W, sRGB values in [-1, 1].
    ///   - way: which of the ways, counted on without end.
    ///   - network: takes part in the search; nil for what one would see in a search without.
    /// - Returns: planes of ``KernelClues``, planes×side×side, and how many pixels of theirs are one of the picture's.
    public func clues(of blurred: Tensor, way: Int, network: KernelNetwork? = nil) throws -> [(
        planes: Tensor, scale: Double
    )] {
        var seen: [(planes: Tensor, scale: Double)] = []
        let ways = ways.filter { !$0.isTransposed }
        _ = try ways[way % ways.count].estimator.estimates(
            ofLuma: BlurEstimator.luma(of: blurred.to(.cpu)), network: network,
            observe: { clues, scale in
                let shape = [KernelClues.planeCount, clues.side, clues.side]
                seen.append((try Tensor(clues.values, shape: shape), scale))
            })
        return seen
    }

    /// An estimate's blur from place to place, where it was found by edges and a network takes part.
    ///
    /// - Parameter blurred: 1×3×H×W, sRGB values in [-1, 1].
    /// - Throws: `CancellationError`.
    func field(
        of blurred: Tensor, _ estimate: BlurEstimate, network: KernelNetwork?,
        isCancelled: () -> Bool = { false }
    ) throws -> BlurField {
        guard let estimator = estimate.estimator, let network else {
            return BlurField(estimate.kernel, height: blurred.shape[2], width: blurred.shape[3])
        }
        return try estimator.field(
            ofLuma: BlurEstimator.luma(of: blurred.to(.cpu)), from: estimate.kernel, network: network,
            isCancelled: isCancelled)
    }

    /// What estimates of so many ways depend on.
    public func settings(estimates count: Int) -> some Encodable {
        struct Settings: Encodable {
            let count: Int
            let ways: [Way]
            let spectrum: BlurSpectrum
            let clearness: [Double]
            let lightOffset: Double
        }
        return Settings(
            count: count, ways: ways, spectrum: spectrum,
            clearness: [Self.sureClearness, Self.leastClearness], lightOffset: LightCurve.offset)
    }

    /// Of the estimates that so many ways make of a picture's blur the kernel whose deconvolved picture is nearest to the sharp one:
    /// for training, where that is known, and a predictor that could judge (``BlurChoice``) is not there yet.
    ///
    /// - Parameters:
    ///   - blurred, sharp: 1×3×H×W, sRGB values in [-1, 1].
    ///   - count: 1…``mostEstimates``.
    public func bestKernel(
        of blurred: Tensor, sharp: Tensor, estimates count: Int, network: KernelNetwork? = nil
    ) throws -> BlurKernel {
        let kernels = try estimates(of: blurred, .ways(count), network: network, isCancelled: { false })
            .map(\.kernel)
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

    /// The known kernel, or what is found in a picture, of kernels that are alike one; at least one.
    ///
    /// For 1 it is that of the picture's spectrum where this is sure, and else of its edges. For 2 it is both where
    /// the spectrum tells anything, and what the search by edges had come to before and after it began anew; for more there are further searches
    /// by edges. Where the spectrum is sure there is no other, and where edges tell of a blur that is too long for it, it does not count.
    ///
    /// - Parameter blurred: 1×3×H×W, sRGB values in [-1, 1].
    /// - Throws: `CancellationError`.
    func estimates(
        of blurred: Tensor, _ source: BlurSource, network: KernelNetwork? = nil, isCancelled: () -> Bool
    ) throws -> [BlurEstimate] {
        let count: Int
        switch source {
        case .kernel(let kernel): return [BlurEstimate(kernel: kernel)]
        case .ways(let most): count = most
        }
        let gray = try BlurEstimator.luma(of: blurred.to(.cpu))
        if isCancelled() { throw CancellationError() }
        let finding = try spectrum.finding(ofLuma: gray)
        if let finding, finding.clearness > Self.sureClearness {
            return [BlurEstimate(kernel: finding.member.kernel)]
        }
        let ways = ways.prefix(max(1, count - 1))
        let found = try Device.oneOnEachThread(ways.count, isCancelled: isCancelled) {
            try ways[$0].estimates(ofLuma: gray, network: network, alone: count == 1)
        }
        return count > 1 ? candidates(of: found, finding) : [found[0][0]]
    }

    /// The estimates between which there is a choice: what the first search counts first, the spectrum's finding if it tells anything, and all others.
    ///
    /// - Parameter found: of each search by edges, at least one.
    func candidates(of found: [[BlurEstimate]], _ finding: BlurSpectrum.Finding?) -> [BlurEstimate] {
        var all = [found[0][0]]
        let isOutOfReach = found[0].contains { estimator.isOutOfReach($0.kernel) }
        if let finding, finding.clearness > Self.leastClearness, !isOutOfReach {
            all.append(BlurEstimate(kernel: finding.member.kernel, preference: Self.spectrumPreference))
        }
        all += found[0].dropFirst() + found.dropFirst().flatMap(\.self)
        return all.indices.filter { index in
            !all[..<index].contains { $0.kernel.cosine(with: all[index].kernel) > Self.alike }
        }.map { all[$0] }
    }
}

extension Deconvolution.Way {
    /// What its search has come to, the best first.
    fileprivate func estimates(ofLuma gray: Tensor, network: KernelNetwork?, alone: Bool) throws
        -> [BlurEstimate]
    {
        let pose = isTransposed ? 1 : 0
        return try estimator.estimates(
            ofLuma: gray.posed(pose).contiguous(), network: network, alone: alone
        ).map {
            BlurEstimate(
                kernel: $0.kernel.posed(pose), preference: preference * $0.preference, estimator: estimator)
        }
    }
}
