import Tensors

/// Structural similarity of two pictures; 1 for equal pictures, higher is better.
///
/// Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
/// 2004, equation 13, as the authors' `ssim_index.m` computes it at full size: an 11×11
/// Gaussian window with σ = 1.5, K₁ = 0.01, K₂ = 0.03, L = 255, windows that lie wholly inside
/// the picture, and the mean over all of them and over the measured channels. There is no
/// downsampling first; all is float64. The protocol of the super-resolution tables is luma
/// (``luma(_:roundsTo8Bits:roundsLuma:)``) with a border as wide as the scale; luma rounded, as
/// MATLAB scripts have it, scores 0.0006 to 0.0011 lower for plain bicubic ×4.
public struct SSIM: SampleMetric {
    public var samples: MeasuredSamples

    public init(_ samples: MeasuredSamples) { self.samples = samples }

    /// The mean similarity, at most 1.
    ///
    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3.
    ///   - reference: of the same shape.
    /// - Throws: ``TensorError`` where the shapes do not fit, fewer than 11×11 pixels are left
    ///   inside the border, or a value is not finite.
    public func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double {
        try noGrad {
            let (x, y) = try samples.pair(output, reference, for: "SSIM")
            guard Swift.min(x.shape[2], x.shape[3]) >= Self.minimumSide else {
                throw TensorError(
                    operation: "SSIM", shapes: [x.shape],
                    reason: "at least 11×11 pixels are needed inside the border")
            }
            let maps = try SSIMMaps(x, y)
            return try (maps.luminance * maps.contrastStructure).mean().item()
        }
    }

    /// Pixels of the shorter side that the window needs.
    public static let minimumSide = SSIMMaps.window.length
}
