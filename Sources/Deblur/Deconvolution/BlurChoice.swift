import Degradation
import Foundation
import Tensors

/// Tells which of several estimates of a picture's blur is the best, without knowing the sharp picture.
///
/// A predictor sees what a wrong kernel leaves behind and takes less of the deconvolved picture: the prediction with the
/// strongest edges is that of the best kernel. As ripples are sharp, too, there is a second, weaker judge: a prediction, blurred by its
/// kernel, should be the picture that was given.
enum BlurChoice {
    /// The exponent of what is left unexplained, of several tried on 64 photographs that are in no test set.
    private static let misfitWeight = 0.25
    /// What may be left unexplained, of values from 0 to 1. A picture that stays as it is explains itself without a rest,
    /// which must not make it the best.
    private static let usualMisfit = 0.005

    /// The mean squared gradient of the prediction's luma over a power of the mean square of k ∗ prediction − blurred.
    ///
    /// - Parameters:
    ///   - blurred, prediction: 1×3×H×W in [-1, 1].
    ///   - margin: pixels at the edges that do not count, as what lies beyond is not known.
    /// - Returns: higher is better; 0 for a picture that tells nothing.
    static func score(_ kernel: BlurKernel, blurred: Tensor, prediction: Tensor, margin: Int) throws -> Double
    {
        try Device.onOneThread {
            let (given, sharp) = (
                try BlurEstimator.luma(of: blurred.to(.cpu)), try BlurEstimator.luma(of: prediction.to(.cpu))
            )
            let plan = PeriodicExtension(
                height: given.shape[2], width: given.shape[3], margin: max(margin, kernel.side))
            guard plan.isPossible else { return 0 }
            let window = try plan.window(inset: margin / 2)
            let whole = try plan.extended(sharp)
            let gradients = try whole.forwardDifference(2).squared() + whole.forwardDifference(3).squared()
            let blur = try plan.spectrum(side: kernel.side, values: kernel.values)
            let again = try (whole.fourier(height: plan.tall, width: plan.wide) * blur)
                .inverseFourier(height: plan.tall, width: plan.wide)
            let area = try window.sum().item()
            let misfit = try ((again - plan.extended(given)) * window).squared().sum().item() / area
            return try (gradients * window).sum().item() / area
                / pow(misfit + usualMisfit * usualMisfit, misfitWeight)
        }
    }
}
