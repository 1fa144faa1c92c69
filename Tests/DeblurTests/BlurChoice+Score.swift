import Tensors

@testable import Deblur

extension BlurChoice {
    /// What an estimate counts by one prediction; 0 for a picture that tells nothing.
    static func score(
        _ estimate: BlurEstimate, in curve: LightCurve = .stored, blurred: Tensor, prediction: Tensor,
        margin: Int
    ) throws -> Double {
        try evidence(
            of: estimate.kernel, in: curve, blurred: blurred, prediction: prediction, margin: margin)?
            .score(preference: estimate.preference) ?? 0
    }
}
