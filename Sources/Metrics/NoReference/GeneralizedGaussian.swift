import Foundation

/// An asymmetric generalised Gaussian distribution fitted by matching moments: N. Lasmar et al.,
/// "Multiscale skewed heavy tailed model for texture analysis", 2009, as NIQE's authors compute it
/// in `estimateaggdparam.m`. What has no positive or no negative sample has NaN for its scales.
struct AsymmetricGaussian {
    /// Shape α on a grid of 0.001 from 0.2 to 10.
    let shape: Double
    /// Scales β of the left and the right side.
    let left: Double
    let right: Double
    /// The mean of the distribution, (βr − βl) Γ(2/α) / Γ(1/α).
    var mean: Double { (right - left) * tgamma(2 / shape) / tgamma(1 / shape) }

    private static let shapes = (0...9800).map { 0.2 + Double($0) * 0.001 }
    /// Γ(2/α)² / (Γ(1/α) Γ(3/α)), rising with α.
    private static let ratios = shapes.map { pow(tgamma(2 / $0), 2) / (tgamma(1 / $0) * tgamma(3 / $0)) }

    /// - Parameter moments: of the samples.
    init(_ moments: Moments) {
        let (left, right) = (moments.leftSquare.squareRoot(), moments.rightSquare.squareRoot())
        let gamma = left / right
        let ratio = moments.magnitude * moments.magnitude / moments.square
        let wanted = ratio * (pow(gamma, 3) + 1) * (gamma + 1) / pow(gamma * gamma + 1, 2)
        // Where the moments are no numbers the first shape stands, as in the authors' script.
        var best = (index: 0, distance: Double.infinity)
        for (index, ratio) in Self.ratios.enumerated() {
            let distance = (ratio - wanted) * (ratio - wanted)
            if distance < best.distance { best = (index, distance) }
        }
        shape = Self.shapes[best.index]
        let spread = (tgamma(1 / shape) / tgamma(3 / shape)).squareRoot()
        self.left = left * spread
        self.right = right * spread
    }

    struct Moments {
        /// Means of the squares of the negative and of the positive samples; NaN where there is none.
        let leftSquare: Double
        let rightSquare: Double
        /// Mean of |x| and of x² over all samples.
        let magnitude: Double
        let square: Double
    }
}
