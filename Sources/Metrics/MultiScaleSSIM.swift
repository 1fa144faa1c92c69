import Foundation
import Tensors

/// Multi-scale structural similarity (MS-SSIM) of two pictures; 1 for equal pictures, higher is
/// better.
///
/// Z. Wang, E. Simoncelli, A. Bovik, "Multi-scale structural similarity for image quality
/// assessment", 2003, equation 7: the contrast-structure terms of five scales and the luminance
/// of the last, each to the power of its weight 0.0448, 0.2856, 0.3001, 0.2363, 0.1333. As in the
/// authors' `msssim.m`, a scale is the 2×2 mean of the one before (the last row or column of an
/// odd side is repeated), each term is the mean of its map, and the last scale's term is the mean
/// SSIM. A negative mean would have no real power and counts as 0. Over RGB it is the mean of the
/// channels. The window is that of ``SSIM``.
public struct MultiScaleSSIM: SampleMetric {
    public var samples: MeasuredSamples

    public init(_ samples: MeasuredSamples) { self.samples = samples }

    private static let weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    /// Pixels of the shorter side: 161, 81, 41, 21, 11 over the scales.
    public static let minimumSide = (SSIMMaps.window.length - 1) << (weights.count - 1) + 1

    /// The similarity, 0…1.
    ///
    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3.
    ///   - reference: of the same shape.
    /// - Throws: ``TensorError`` where the shapes do not fit, fewer than 161×161 pixels are left
    ///   inside the border, or a value is not finite.
    public func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double {
        try noGrad {
            var (x, y) = try samples.pair(output, reference, for: "MS-SSIM")
            guard Swift.min(x.shape[2], x.shape[3]) >= Self.minimumSide else {
                throw TensorError(
                    operation: "MS-SSIM", shapes: [x.shape],
                    reason:
                        "at least \(Self.minimumSide)×\(Self.minimumSide) pixels are needed inside the border"
                )
            }
            var similarity = [Double](repeating: 1, count: x.shape[1])
            for (scale, weight) in Self.weights.enumerated() {
                let isLast = scale == Self.weights.count - 1
                let maps = try SSIMMaps(x, y)
                let map = try isLast ? maps.luminance * maps.contrastStructure : maps.contrastStructure
                for (channel, mean) in try map.mean([0, 2, 3]).doubles().enumerated() {
                    similarity[channel] *= pow(max(mean, 0), weight)
                }
                if !isLast { (x, y) = try (Self.halved(x), Self.halved(y)) }
            }
            return similarity.reduce(0, +) / Double(similarity.count)
        }
    }

    private static func halved(_ picture: Tensor) throws -> Tensor {
        let shape = picture.shape
        return try picture.replicatePadded(left: 0, right: shape[3] % 2, top: 0, bottom: shape[2] % 2)
            .averagePooled(2)
    }
}
