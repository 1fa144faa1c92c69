import Degradation
import Foundation
import Tensors

/// Tells straight motion and defocus by the power spectrum of a picture alone.
///
/// The spectrum of a photograph's gradients is smooth: a power of the frequency, bent a little, and stronger in some directions than in others.
/// A blur k multiplies it by |K|², whose zeros, parallel lines or rings, no smooth function has. Of a ``KernelFamily`` that member is
/// found which leaves the least of the logarithm unexplained:
///
///     min over a, ν, k of mean |log S − a₀ − a₁·log ω − a₂·log² ω − Σ aᵢ·(cos, sin)(2θ, 4θ) − log(|K|² + ν·|D|²)|
///
/// ν being white noise, which the gradients D make stronger. Edges, which ``BlurEstimator`` looks for, are not needed: texture
/// serves as well. Without phases a kernel cannot be told from its mirror image, so this is for symmetric ones.
///
/// Source: that a blur shows in the zeros of a spectrum is as old as Cannon, "Blind deconvolution of spatially invariant image blurs with phase", IEEE
/// Trans. ASSP 24, 1976; that what it is multiplied by can be taken for a smooth function of each direction is the idea
/// of Goldstein and Fattal, "Blur-kernel estimation from spectral irregularities", ECCV 2012.
public struct BlurSpectrum: Sendable, Codable, Equatable {
    /// Side of the largest kernel in a picture that is not made smaller, odd, pixels.
    public var side: Int

    /// The frequencies at which a spectrum is looked at: of squares of so many pixels.
    static let square = 128
    /// Pixels from one square to the next, and how many squares there are along a side at most: those of a large picture lie
    /// farther apart. All of it is looked at, so that blur which is not the same everywhere is not sure.
    private static let step = 32
    private static let mostSquares = 17
    /// White noise relative to the spectrum without it, ν; fewer of them to look over many kernels.
    private static let noises = [0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
    private static let fewNoises = [3e-5, 3e-4, 3e-3]

    public init(side: Int = 31) { self.side = side }

    /// What a picture's blur is taken for.
    struct Finding: Equatable {
        var member: KernelFamily.Member
        /// By how much it leaves less of the spectrum's logarithm unexplained than no blur does, in the mean.
        var clearness: Double
    }

    /// - Parameter gray: what ``BlurEstimator/luma(of:)`` gives, on the CPU.
    /// - Returns: nil for a picture that is smaller than a square, and one that no member explains better than none.
    func finding(ofLuma gray: Tensor) throws -> Finding? {
        try Device.onOneThread {
            try noGrad {
                let (height, width) = (gray.shape[2], gray.shape[3])
                var best: Finding?
                var octave = 0
                // Each scale sees blur twice as long as the one before, as long as there are such kernels.
                repeat {
                    let plane =
                        octave == 0
                        ? gray : try gray.resized(height: height >> octave, width: width >> octave)
                    // Where blur is as clear in the picture's own pixels it is known more exactly there.
                    if let found = try sought(plane, side: min(side, BlurKernel.maximumSide >> octave)),
                        found.clearness > best?.clearness ?? 0
                    {
                        best = Finding(
                            member: found.member.scaled(by: Double(1 << octave)), clearness: found.clearness)
                    }
                    octave += 1
                } while BlurEstimator.isLarge(height: height, width: width, octave: octave - 1)
                    && BlurKernel.maximumSide >> octave >= side / 2
                return best
            }
        }
    }

    /// In one scale's pixels, with kernels of at most so many.
    private func sought(_ plane: Tensor, side: Int) throws -> Finding? {
        guard min(plane.shape[2], plane.shape[3]) > Self.square else { return nil }
        guard let fit = try Self.spectrum(of: plane).map(SpectrumFit.init(logarithm:)) else { return nil }
        func best(of members: [KernelFamily.Member], _ noises: [Double]) throws -> (
            Double, KernelFamily.Member
        )? {
            let kernels = members.map { (member: $0, kernel: $0.kernel) }.filter { $0.kernel.side <= side }
            let misfits = try fit.misfits(of: kernels.map(\.kernel), noises: noises)
            return zip(misfits, kernels.map(\.member)).min { $0.0 < $1.0 }
        }
        guard
            let first = try best(of: KernelFamily.allCases.flatMap { $0.members(side: side) }, Self.fewNoises)
        else { return nil }
        var found = first.1
        var misfit = Double.infinity
        for distance in [0.5, 0.25, 0.125] {
            if let next = try best(of: [found] + found.neighbours(at: distance), Self.noises) {
                (misfit, found) = next
            }
        }
        let none = try fit.misfits(of: [.identity], noises: Self.noises)[0]
        return misfit < none ? Finding(member: found, clearness: none - misfit) : nil
    }

    /// Of the gradients in the mean over overlapping squares, by Welch's method.
    ///
    /// - Parameter plane: 1×1×H×W, both sides longer than a square.
    /// - Returns: its logarithm at ``SpectrumFit``'s frequencies, 1×N; nil for a picture without gradients.
    static func spectrum(of plane: Tensor) throws -> Tensor? {
        let (height, width) = (plane.shape[2] - 1, plane.shape[3] - 1)
        func starts(_ length: Int) -> [Int] {
            let count = min(mostSquares, (length - square + step - 1) / step + 1)
            return (0..<count).map { $0 * (length - square) / max(1, count - 1) }
        }
        let window =
            try Tensor(SpectrumFit.window, shape: [1, 1, square, 1])
            * Tensor(SpectrumFit.window, shape: [1, 1, 1, square])
        var power = try Tensor.zeros([1, 1, square, square / 2 + 1])
        for dim in [2, 3] {
            let gradients = try plane.forwardDifference(dim)
                .narrowed(2, start: 0, count: height).narrowed(3, start: 0, count: width)
            for row in starts(height) {
                let band = try gradients.narrowed(2, start: row, count: square)
                let squares = try Tensor.concatenated(
                    starts(width).map { try band.narrowed(3, start: $0, count: square) }, dim: 0)
                power =
                    try power
                    + (squares * window).fourier(height: square, width: square).magnitude().squared()
                    .sum([0], keepDims: true)
            }
        }
        let mean = try power.mean().item()
        guard mean > 0, mean.isFinite else { return nil }
        return try (SpectrumFit.places(of: power) / mean + 1e-9).log()
    }
}
