import Tensors

/// Local statistics of two pictures under the Gaussian window of SSIM: 11×11 with σ = 1.5,
/// K₁ = 0.01, K₂ = 0.03, L = 255, windows that lie wholly inside the picture.
struct SSIMMaps {
    static let window = GaussianWindow(length: 11, sigma: 1.5)
    /// (K₁ L)² and (K₂ L)².
    private static let (c1, c2): (Double, Double) = (0.01 * 255 * 0.01 * 255, 0.03 * 255 * 0.03 * 255)

    /// (2 μx μy + C₁) / (μx² + μy² + C₁), N×C×h×w.
    let luminance: Tensor
    /// (2 σxy + C₂) / (σx² + σy² + C₂): contrast and structure together, N×C×h×w.
    let contrastStructure: Tensor

    /// - Parameters x, y: N×C×H×W in gray levels, H and W at least 11.
    init(_ x: Tensor, _ y: Tensor) throws {
        let meanX = try Self.window.filtered(x)
        let meanY = try Self.window.filtered(y)
        let meanXY = try meanX * meanY
        let meanSquares = try meanX.squared() + meanY.squared()
        let covariance = try Self.window.filtered(x * y) - meanXY
        let variances = try Self.window.filtered(x.squared() + y.squared()) - meanSquares
        luminance = try (meanXY * 2 + Self.c1) / (meanSquares + Self.c1)
        contrastStructure = try (covariance * 2 + Self.c2) / (variances + Self.c2)
    }
}
