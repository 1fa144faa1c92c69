import Degradation
import Diffusion
import Foundation
import Tensors

/// Tells which of several estimates of a picture's blur is the best, without knowing the sharp picture.
///
/// A predictor sees what a wrong kernel leaves behind and takes less of the deconvolved picture: the prediction with the
/// strongest edges is that of the best kernel. As ripples are sharp, too, there is a second, weaker judge: a prediction, blurred by its
/// kernel, should be the picture that was given. And of two kernels that do about as well, one is more likely to be the true one
/// by the way in which it was found: straight motion has not fitted any of the noise.
enum BlurChoice {
    /// The exponent of what is left unexplained. This, the next one and the ways' preferences were chosen among several on
    /// photographs of no test set, 209 with motion, 50 with short motion and 66 with defocus, such that a picture full of
    /// ripples does not win. That the next one must not be 0.005 was seen on levin09.
    private static let misfitWeight = 0.35
    /// What may be left unexplained, of values from 0 to 1. A picture that stays as it is explains itself without a rest,
    /// which must not make it the best.
    private static let usualMisfit = 0.02
    /// By how much a kernel for each part is preferred to one for all. Of 7 photographs of no test set whose blur was not the same everywhere
    /// and whose gains were known, 4 scored 1.04 to 1.22 times as much with parts and gained, one 0.89 and gained, two 0.81 and lost.
    static let partsPreference = 1.14
    /// The side of the part of a large picture that decides, pixels.
    static let mostPixels = 640

    /// What a prediction tells of the blur that was taken out.
    struct Evidence {
        /// The mean squared gradient of the prediction's luma.
        let edges: Double
        /// The mean square of k ∗ prediction − blurred, of luma in [0, 1].
        let misfit: Double

        /// The edges over a power of the misfit, times the preference of the kernel's way: higher is better.
        func score(preference: Double) -> Double {
            preference * edges / pow(misfit + usualMisfit * usualMisfit, misfitWeight)
        }

        /// With its logarithm misfits are compared, of which the least do not count.
        var logMisfit: Double { log(misfit + usualMisfit * usualMisfit) }
    }

    /// - Parameters:
    ///   - curve: of the light in which the kernel blurs.
    ///   - blurred, prediction: 1×3×H×W in [-1, 1].
    ///   - margin: pixels at the edges that do not count, as what lies beyond is not known.
    /// - Returns: nil for a picture that tells nothing.
    static func evidence(
        of kernel: BlurKernel, in curve: LightCurve, blurred: Tensor, prediction: Tensor, margin: Int
    ) throws -> Evidence? {
        let size = blurred.shape
        return try evidence(
            of: BlurField(kernel, height: size[2], width: size[3]), in: curve,
            region: PictureRegion(rows: 0..<size[2], columns: 0..<size[3]), blurred: blurred,
            prediction: prediction, margin: margin)
    }

    /// The same of a place in a picture whose blur changes.
    ///
    /// - Parameters:
    ///   - field: of the whole picture.
    ///   - region: where the place lies, which `blurred` and `prediction` are of.
    static func evidence(
        of field: BlurField, in curve: LightCurve, region: PictureRegion, blurred: Tensor,
        prediction: Tensor, margin: Int
    ) throws -> Evidence? {
        try Device.onOneThread {
            let (given, sharp) = (
                try BlurEstimator.luma(of: blurred.to(.cpu)), try BlurEstimator.luma(of: prediction.to(.cpu))
            )
            let plan = PeriodicExtension(
                height: given.shape[2], width: given.shape[3],
                margin: max(margin, field.kernels.map(\.side).max() ?? 1))
            guard plan.isPossible else { return nil }
            let window = try plan.window(inset: margin / 2)
            let whole = try plan.extended(sharp)
            let gradients = try whole.forwardDifference(2).squared() + whole.forwardDifference(3).squared()
            let spectrum = try curve.light(whole).fourier(height: plan.tall, width: plan.wide)
            var again = try Tensor.zeros([1, 1, plan.tall, plan.wide])
            for (index, kernel) in field.kernels.enumerated() {
                guard let shares = try field.shares(of: index, in: region) else { continue }
                let blur = try plan.spectrum(side: kernel.side, values: kernel.values)
                let blurredAgain = try (spectrum * blur).inverseFourier(height: plan.tall, width: plan.wide)
                again =
                    try again + blurredAgain
                    * shares.zeroPadded(bottom: plan.tall - region.height, right: plan.wide - region.width)
            }
            let area = try window.sum().item()
            let misfit =
                try ((curve.stored(again) - plan.extended(given)) * window).squared().sum().item() / area
            return Evidence(edges: try (gradients * window).sum().item() / area, misfit: misfit)
        }
    }
}
