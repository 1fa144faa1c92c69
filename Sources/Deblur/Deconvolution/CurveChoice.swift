import Tensors

/// Tells of which power of its stored values a picture's blur should be divided out, without knowing the sharp picture.
///
/// Where the power is wrong, the deconvolved picture rings along strong edges, and a predictor, which sees that, keeps less of what
/// deconvolution has changed: that is the first judge. The second is weaker: a prediction, blurred again through the curve, should be
/// the picture that was given. A kernel that was found nearer to light explains a picture better there even where
/// the blur was none of light, so that this judge alone errs with half of the captures of levin09; the first with none.
enum CurveChoice {
    /// Between which there is a choice. Beyond 2 dark places are all noise.
    static let curves = [LightCurve.stored, LightCurve(exponent: 1.5), LightCurve(exponent: 2)]

    /// How much the logarithm of what is left unexplained counts, against the part that is kept. Chosen on 55 photographs of no test
    /// set, blurred in light, and 55 whose stored values were (Results/training-notes.md): from 0 to 0.1 it makes little difference.
    private static let misfitWeight = 0.1

    /// - Parameters:
    ///   - blurred, deconvolved, prediction: 1×3×H×W in [-1, 1].
    ///   - evidence: of the same curve.
    /// - Returns: higher is better, comparable among curves with the same kernel.
    static func score(
        blurred: Tensor, deconvolved: Tensor, prediction: Tensor, _ evidence: BlurChoice.Evidence
    ) throws -> Double {
        try kept(of: deconvolved - blurred, in: prediction - blurred) - misfitWeight * evidence.logMisfit
    }

    /// The a for which a·change is nearest to what a prediction has changed; 0 where nothing was.
    private static func kept(of change: Tensor, in predicted: Tensor) throws -> Double {
        let power = try change.squared().sum().item()
        return power > 0 ? try (change * predicted).sum().item() / power : 0
    }
}
