import Foundation
import Tensors

/// Peak signal-to-noise ratio, in decibel; higher is better.
///
/// PSNR = 10 log₁₀(255² / MSE), the mean squared error over all samples of the measured
/// channels inside the border. Both pictures are first rounded to the 256 levels of an 8-bit
/// file, unless that is turned off. The protocol of the super-resolution tables is luma with a
/// border as wide as the scale, gray files read as one channel. Plain bicubic ×4 then scores
/// 28.43 dB on Set5, 26.00 on Set14 and 25.96 on BSD100; the published 28.42, 26.00 and 25.96
/// come from MATLAB scripts that round luma as well, which costs up to 0.013 dB.
public struct PSNR: SampleMetric {
    public var samples: MeasuredSamples

    public init(_ samples: MeasuredSamples) { self.samples = samples }

    /// The ratio in dB; infinite for equal pictures.
    ///
    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3.
    ///   - reference: of the same shape.
    /// - Throws: ``TensorError`` where the shapes do not fit, the border leaves nothing, or a
    ///   value is not finite.
    public func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double {
        try noGrad {
            let (x, y) = try samples.pair(output, reference, for: "PSNR")
            let meanSquaredError = try (x - y).squared().mean().item()
            return 10 * log10(255 * 255 / meanSquaredError)
        }
    }
}
