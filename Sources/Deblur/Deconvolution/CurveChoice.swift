import Tensors

/// Tells of which power of its stored values a picture's blur should be divided out, without knowing the sharp picture.
///
/// Where it is wrong, the deconvolved picture rings along strong edges, and a predictor, which sees that, keeps less of what
/// deconvolution has changed: that is the first judge. The second is weaker: a prediction, blurred again through the curve, should be
/// the picture that was given. A kernel that was found nearer to light explains a picture better there even where
/// the blur was none of light, so that this judge alone errs with captures of levin09; both together with none.
enum CurveChoice {
    /// Between which there is a choice. One more, 2.2, brings too little for a look.
    static let curves = [LightCurve.stored, LightCurve(exponent: 1.5), LightCurve(exponent: 2)]

    /// How much the logarithm of what is left unexplained counts, against the part that is kept, and by how much another curve must be better
    /// than stored values: being wrong about these costs more than being wrong about light. Both were chosen on 37 photographs of no test set, 19 blurred in
    /// light, and 18 whose stored values were, with known kernels and with found ones (Results/training-notes.md).
    private static let misfitWeight = 0.1
    private static let storedPreference = 0.02

    /// - Parameters:
    ///   - blurred, deconvolved, prediction: 1×3×H×W in [-1, 1].
    ///   - evidence: of the same curve.
    /// - Returns: higher is better, comparable among curves with the same kernel.
    static func score(
        _ curve: LightCurve, blurred: Tensor, deconvolved: Tensor, prediction: Tensor,
        _ evidence: BlurChoice.Evidence
    ) throws -> Double {
        try kept(of: deconvolved - blurred, in: prediction - blurred) - misfitWeight * evidence.logMisfit
            + (curve == .stored ? storedPreference : 0)
    }

    /// The a for which a·change is nearest to what a prediction has changed; 0 where nothing was.
    private static func kept(of change: Tensor, in predicted: Tensor) throws -> Double {
        let power = try change.squared().sum().item()
        return power > 0 ? try (change * predicted).sum().item() / power : 0
    }
}
