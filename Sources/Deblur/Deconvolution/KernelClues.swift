import Tensors

/// What a picture tells of its blur at one scale, once a kernel has been found there by edges: what a ``KernelNetwork`` sees.
///
/// Planes of one side, the kernel's middle in the middle of each:
/// 1. the kernel, with whatever looked like noise dropped;
/// 2. to 4. the same before anything was dropped, with a tenth, the usual and ten times the weight on small values:
///    faint parts of the kernel are there, between noise;
/// 5. and 6. the autocorrelation and the cepstrum of the picture's whitened gradients (``SpectrumFit``), which owe nothing to
///    the edges that were found;
/// 7. the cepstrum that the kernel would have if it were right.
struct KernelClues: Sendable, Equatable {
    static let planeCount = 7
    /// A network sees so many pixels further on each side than the kernel reaches that is looked for.
    private static let surroundings = 8

    /// - Parameter kernelSide: of the kernel that is looked for, odd.
    static func side(of kernelSide: Int) -> Int { kernelSide + 2 * surroundings }

    let side: Int
    /// Planes × side × side, each plane brought to about the same size.
    let values: [Float]

    init(side: Int, values: [Float]) { (self.side, self.values) = (side, values) }

    /// From what the last kernel of a scale was made.
    struct Evidence {
        /// Of the gradients of the picture of few edges with the blurred picture's: complex, and their power.
        let correlation: Tensor
        let power: Tensor
        let plan: PeriodicExtension
        /// By which the kernel was moved to its middle.
        let move: (down: Int, right: Int)
    }

    /// Weights on small values, for a picture of 255×255 pixels, and what the planes are multiplied by.
    private static let ridges: [(weight: Double, factor: Float)] = [(1.2, 20), (12, 20), (120, 60)]
    private static let guessFactor: Float = 20
    private static let lagFactor: Float = 10
    private static let limit: Float = 20

    /// - Parameters:
    ///   - guess: the kernel.
    ///   - lags: what ``lags(of:side:)`` gives for the blurred picture at the scale.
    ///   - side: odd, at least the kernel's.
    init(_ guess: KernelGuess, _ evidence: Evidence, lags: [[Float]], side: Int) throws {
        self.side = side
        var planes = [guess.croppedOrPadded(side: side).values.map { $0 * Self.guessFactor }]
        let plan = evidence.plan
        let area = Double(plan.tall * plan.wide) / (255 * 255)
        for ridge in Self.ridges {
            let kernel = try (evidence.correlation / (evidence.power + ridge.weight * area))
                .inverseFourier(height: plan.tall, width: plan.wide)
                .rolled([side / 2 + evidence.move.down, side / 2 + evidence.move.right], dims: [2, 3])
                .cropped(height: side, width: side).contiguous().floats()
            planes.append(kernel.map { $0 * ridge.factor })
        }
        planes += lags
        planes.append(
            try SpectrumFit.cepstrum(of: guess.values, kernelSide: guess.side, side: side).map {
                $0 * Self.lagFactor
            }
        )
        values = planes.flatMap { $0.map { min(max($0, -Self.limit), Self.limit) } }
    }

    /// The planes that owe nothing to edges, 5. and 6., of a blurred picture, 1×1×H×W; of zeros where it is small.
    static func lags(of plane: Tensor, side: Int) throws -> [[Float]] {
        let isLarge = min(plane.shape[2], plane.shape[3]) > BlurSpectrum.square
        guard isLarge, let logarithm = try BlurSpectrum.spectrum(of: plane) else {
            return [[Float]](repeating: [Float](repeating: 0, count: side * side), count: 2)
        }
        let lags = try SpectrumFit(logarithm: logarithm).lags(side: side)
        return [lags.autocorrelation, lags.cepstrum].map { $0.map { $0 * lagFactor } }
    }

    /// The kernels in the first of the planes, N×1×side×side of N×planes×side×side.
    static func guesses(in clues: Tensor) throws -> Tensor {
        try clues.narrowed(1, start: 0, count: 1) * (1 / Double(guessFactor))
    }
}
