import Foundation
import Tensors

/// An estimator's search on its way from a small version of a picture to the whole: latent picture and kernel in turns.
struct KernelSearch: Sendable {
    private let estimator: BlurEstimator
    private(set) var guess = KernelGuess.first
    /// What a network made of it at this scale, larger than ``guess``.
    private var learned: KernelGuess?
    /// λ of the next turn.
    private var weight: Double
    /// Of the picture at this scale (``KernelClues/lags(of:side:)``), which all looks at it share.
    private var lags: [[Float]]?

    init(_ estimator: BlurEstimator) {
        self.estimator = estimator
        weight = estimator.edgeWeight
    }

    /// A search that has come to a kernel elsewhere.
    ///
    /// - Parameter found: of the estimator's side.
    init(_ estimator: BlurEstimator, from found: KernelGuess) {
        self.init(estimator)
        guess = found
    }

    /// Goes on at the same scale with a picture of stronger edges only, or of weaker ones as well.
    mutating func restart(edgeWeight: Double) { weight = edgeWeight }

    /// Which of a scale's turns: a network is asked after all but the last, and after that.
    enum Turns {
        case all, first, last
    }

    // MARK: kernels

    /// Goes on with a kernel that a network has made.
    mutating func follow(_ kernel: KernelGuess) {
        learned = kernel
        guess = cleaned(kernel.croppedOrPadded(side: guess.side))
    }

    /// - Parameter others: of the same side; the kernel is moved to their mean, half the way.
    mutating func move(halfwayTo others: [KernelGuess]) {
        guard !others.isEmpty else { return }
        let values = guess.values.indices.map { index in
            (guess.values[index] + others.reduce(0) { $0 + $1.values[index] } / Float(others.count)) / 2
        }
        guess = KernelGuess(side: guess.side, values: values)
    }

    /// What was found, at the picture's own pixels.
    ///
    /// - Parameter scale: how many pixels of the last scale are one of them.
    func found(scale: Double) throws -> KernelGuess {
        let last = learned.map(cleaned) ?? guess
        return try scale < 1 ? cleaned(last.enlarged(side: Self.odd(Double(last.side) / scale))) : last
    }

    /// Without what is no part of it. A network tells faint parts from noise, and hardly anything of its kernels is dropped.
    private func cleaned(_ guess: KernelGuess) -> KernelGuess {
        learned == nil
            ? guess.cleaned(threshold: estimator.threshold, leastIsland: estimator.leastIsland)
            : guess.cleaned(threshold: Self.learnedThreshold, leastIsland: 0)
    }

    private static let learnedThreshold = 0.005

    /// Takes the kernel to the next scale.
    ///
    /// - Parameters:
    ///   - level: in half octaves; the kernel has its whole side from 0 on.
    ///   - isFirst: whether there was no scale before.
    /// - Returns: whether it has room there; if not it stays as it is.
    mutating func begin(level: Int, isFirst: Bool) throws -> Bool {
        if level <= 0 {
            let side = Self.odd(Double(estimator.side) * pow(2, Double(level) / 2))
            guess =
                try isFirst
                ? guess.croppedOrPadded(side: side)
                : cleaned(guess.enlarged(side: side))
        } else {
            let side = Self.odd(Double(estimator.side) * 2.0.squareRoot())
            let enlarged = try cleaned(guess.enlarged(side: side))
            guard enlarged.boxSide < estimator.side else { return false }
            guess = cleaned(enlarged.croppedOrPadded(side: estimator.side))
        }
        (learned, lags) = (nil, nil)
        return true
    }

    /// The nearest odd side, from 3 up.
    private static func odd(_ side: Double) -> Int {
        let whole = max(3, Int(side.rounded()))
        return whole % 2 == 0 ? whole + 1 : whole
    }

    // MARK: turns

    /// - Parameters:
    ///   - level: see ``begin(level:isFirst:)``.
    ///   - plane: the blurred picture at it, 1×1×H×W.
    /// - Returns: what a network sees then; nil after ``Turns/all``, or where the scale is too small to tell.
    mutating func turn(_ turns: Turns, level: Int, of plane: Tensor) throws -> KernelClues? {
        let usual = level > 0 ? (estimator.iterations + 1) / 2 : estimator.iterations
        let all = level < 0 ? usual : estimator.lastIterations ?? usual
        let count =
            switch turns {
            case .all: all
            case .first: all - 1
            case .last: 1
            }
        let evidence = try alternate(of: plane, iterations: count)
        guard turns != .all, let evidence else { return nil }
        let side = KernelClues.side(of: estimator.side)
        let lags = try lags ?? KernelClues.lags(of: plane, side: side)
        self.lags = lags
        return try KernelClues(guess, evidence, lags: lags, side: side)
    }

    /// - Returns: from what the last kernel was made; nil where the scale is too small to tell, or there is no turn.
    private mutating func alternate(of plane: Tensor, iterations: Int) throws -> KernelClues.Evidence? {
        let plan = PeriodicExtension(height: plane.shape[2], width: plane.shape[3], margin: guess.side)
        guard plan.isPossible else { return nil }
        let blurred = try plan.extended(plane)
        let spectrum = try blurred.fourier(height: plan.tall, width: plan.wide)
        let gradientPower = try plan.gradientPower()
        let window = try plan.window(inset: guess.side / 2)
        let down = try (blurred.forwardDifference(2) * window).fourier(height: plan.tall, width: plan.wide)
        let right = try (blurred.forwardDifference(3) * window).fourier(height: plan.tall, width: plan.wide)
        var evidence: KernelClues.Evidence?
        for _ in 0..<iterations {
            let blur = try plan.spectrum(side: guess.side, values: guess.values)
            let sharp = try latentPicture(
                spectrum, of: blurred, blur: blur, power: gradientPower, plan)
            func transformed(_ dim: Int) throws -> Tensor {
                try (sharp.forwardDifference(dim) * window).fourier(height: plan.tall, width: plan.wide)
            }
            let (sharpDown, sharpRight) = try (transformed(2), transformed(3))
            let correlation = try sharpDown.conjugated() * down + sharpRight.conjugated() * right
            let power = try sharpDown.magnitude().squared() + sharpRight.magnitude().squared()
            let found = try kernel(correlation, power, plan)
            let move = found.centring
            guess = found.moved(by: move)
            evidence = .init(correlation: correlation, power: power, plan: plan, move: move)
            weight = max(weight / 1.1, estimator.leastEdgeWeight)
        }
        return evidence
    }

    /// From the gradients' spectra.
    ///
    /// - Parameters:
    ///   - correlation: of the sharp picture's with the blurred one's, complex.
    ///   - power: of the sharp picture's, real.
    private func kernel(_ correlation: Tensor, _ power: Tensor, _ plan: PeriodicExtension) throws
        -> KernelGuess
    {
        // μ for a picture of this size.
        let ridge = estimator.kernelWeight * Double(plan.tall * plan.wide) / (255 * 255)
        let values = try plan.around(correlation / (power + ridge), reach: guess.side / 2)
        return KernelGuess(side: guess.side, values: values)
            .cleaned(threshold: estimator.threshold, leastIsland: estimator.leastIsland)
    }

    /// The picture of few edges that the kernel blurs into the one there is.
    ///
    /// - Parameters:
    ///   - spectrum: of the blurred picture.
    ///   - blurred: from which the splitting starts.
    private func latentPicture(
        _ spectrum: Tensor, of blurred: Tensor, blur: Tensor, power: Tensor, _ plan: PeriodicExtension
    ) throws -> Tensor {
        let seen = try blur.conjugated() * spectrum
        let blurPower = try blur.magnitude().squared()
        var sharp = blurred
        var splitting = 2 * weight
        while splitting < estimator.lastSplitting {
            let edges = try EdgeSplitting.strongEdges(of: sharp, above: weight / splitting)
            sharp = try EdgeSplitting.solution(
                seen: seen, edges: edges.fourier(height: plan.tall, width: plan.wide), blurPower: blurPower,
                gradientPower: power, splitting: splitting
            ).inverseFourier(height: plan.tall, width: plan.wide)
            splitting *= estimator.splittingGrowth
        }
        return sharp
    }
}
