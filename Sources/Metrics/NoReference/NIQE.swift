import Foundation
import Tensors

/// Natural image quality evaluator (NIQE): how far a picture's statistics are from those of
/// natural photographs, without a reference; lower is better.
///
/// A. Mittal, R. Soundararajan, A. Bovik, "Making a 'Completely Blind' Image Quality Analyzer",
/// 2013, as the authors' MATLAB scripts compute it: the picture rounded to 8 bits, in rounded
/// luma; locally normalised (mean subtracted, divided by deviation + 1) with a 7×7 Gaussian window,
/// σ = 7/6, edge pixels repeated; cut into 96×96 blocks, what is left over on the right and at the
/// bottom left out; 18 features of fitted generalised Gaussians for each block, and 18 more at half
/// the size (antialiased bicubic). The distance of the blocks' mean μ₂ and covariance Σ₂ from the
/// model's is √((μ₁−μ₂)ᵀ ((Σ₁+Σ₂)/2)⁺ (μ₁−μ₂)) (equation 10).
///
/// The moments count positive and negative samples apart. In areas of one level a sample's sign
/// would be that of a rounding error, which is not the same in any two programs (it moved the
/// number by 0.4 % for one photograph of BSD100), so differences below 1e-9 gray
/// levels count as none. Otherwise BasicSR's numbers are met: 5.7296 for Set14's baboon in Y.
///
/// Sharp photographs score about 3 to 5. The number depends on the picture's size and content,
/// and few blocks make it unsteady.
public struct NIQE: Sendable {
    /// How a colour picture becomes one channel, rounded to whole levels. A gray picture is taken
    /// as it is.
    public enum Luma: String, CaseIterable, Sendable {
        /// MATLAB's `rgb2gray`, 0…255: what the authors' script does.
        case gray
        /// MATLAB's `rgb2ycbcr`, 16…235: the custom of super-resolution papers (BasicSR).
        case y

        func levels(of picture: Tensor) throws -> Tensor {
            if self == .y { return try Metrics.luma(picture, roundsLuma: true) }
            let rgb = try grayLevels(picture)
            guard rgb.shape[1] == 3 else { return rgb }
            return try weightedChannels(rgb, [0.298936021293775, 0.587043074451121, 0.114020904255103])
                .rounded()
        }
    }

    public let model: NIQEModel
    public let luma: Luma
    /// Pixels left out on each side before anything is computed.
    public let border: Int

    public init(model: NIQEModel, luma: Luma = .gray, border: Int = 0) {
        self.model = model
        self.luma = luma
        self.border = border
    }

    /// Whether a picture, without its border, holds the two blocks that a covariance needs.
    public static func isLargeEnough(height: Int, width: Int) -> Bool {
        blockCount(height: height, width: width) > 1
    }

    /// How many whole blocks of 96×96 pixels a picture holds.
    public static func blockCount(height: Int, width: Int) -> Int {
        (height / NIQEFeatures.blockSide) * (width / NIQEFeatures.blockSide)
    }

    /// The distance from natural photographs, at least 0.
    ///
    /// - Parameter picture: 1×C×H×W in [-1, 1], C = 1 or 3.
    /// - Throws: ``TensorError`` where the shape does not fit, a value is not finite, fewer than
    ///   two blocks of 96×96 pixels are inside the border, or fewer than two have any texture.
    public func callAsFunction(_ picture: Tensor) throws -> Double {
        try noGrad {
            let levels = try withoutBorder(luma.levels(of: picture), border)
            let features = try NIQEFeatures(levels)
            let statistics = try FeatureStatistics(ignoringNaN: features.blocks, for: "NIQE")
            let difference = try (model.mean - statistics.mean).reshaped([NIQEFeatures.count, 1])
            let inverse = try ((model.covariance + statistics.covariance) / 2).pseudoInverse()
            let squared = try difference.transposed().matmul(inverse).matmul(difference).item()
            return max(squared, 0).squareRoot()
        }
    }
}
