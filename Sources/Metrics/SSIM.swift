import Foundation
import Tensors

/// Structural similarity of the luma of two 8-bit pictures; 1 for equal pictures.
///
/// Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
/// 2004, equation 13, as the authors' `ssim_index.m` computes it at full size: an 11×11
/// Gaussian window with σ = 1.5, K₁ = 0.01, K₂ = 0.03, L = 255, windows that lie wholly inside
/// the picture, and the mean over all of them. There is no downsampling first. Pictures are
/// rounded to 8 bits, luma (``luma(_:)``) is not; all is float64. The protocol of the
/// super-resolution tables has a border as wide as the scale; luma rounded, as MATLAB scripts
/// have it, scores 0.0006 to 0.0011 lower for plain bicubic ×4.
public struct SSIM: Sendable, Equatable {
    /// Pixels left out on each side before anything is computed.
    public var border: Int

    public init(border: Int = 0) { self.border = border }

    private static let windowLength = 11
    /// (K₁ L)² and (K₂ L)².
    private static let (c1, c2): (Double, Double) = (0.01 * 255 * 0.01 * 255, 0.03 * 255 * 0.03 * 255)
    /// The separable window's weights along one axis.
    private static let window: [Double] = {
        let weights = (0..<windowLength).map { exp(-pow(Double($0 - windowLength / 2), 2) / (2 * 1.5 * 1.5)) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }()

    /// The mean similarity, at most 1.
    ///
    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3.
    ///   - reference: of the same shape.
    /// - Throws: ``TensorError`` where the shapes do not fit, fewer than 11×11 pixels are left
    ///   inside the border, or a value is not finite.
    public func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double {
        try noGrad {
            try requireSameShape(output, reference, for: "SSIM")
            let x = try withoutBorder(luma(output), border)
            let y = try withoutBorder(luma(reference), border)
            guard x.shape[2] >= Self.windowLength, x.shape[3] >= Self.windowLength else {
                throw TensorError(
                    operation: "SSIM", shapes: [x.shape],
                    reason: "at least 11×11 pixels are needed inside the border")
            }
            let meanX = try Self.filtered(x)
            let meanY = try Self.filtered(y)
            let meanXY = try meanX * meanY
            let meanSquares = try meanX.squared() + meanY.squared()
            let covariance = try Self.filtered(x * y) - meanXY
            let variances = try Self.filtered(x.squared() + y.squared()) - meanSquares
            let numerator = try (meanXY * 2 + Self.c1) * (covariance * 2 + Self.c2)
            let denominator = try (meanSquares + Self.c1) * (variances + Self.c2)
            return try (numerator / denominator).mean().item()
        }
    }

    /// Weighted means over all windows that lie inside the picture.
    private static func filtered(_ picture: Tensor) throws -> Tensor {
        var result = picture
        for dim in [2, 3] {
            let count = result.shape[dim] - windowLength + 1
            let sum = try result.narrowed(dim, start: 0, count: count) * window[0]
            for tap in 1..<windowLength {
                try sum.add(result.narrowed(dim, start: tap, count: count), scaledBy: window[tap])
            }
            result = sum
        }
        return result
    }
}
