import Diffusion

extension Recipe {
    /// What is minimised.
    public struct ObjectiveSettings: Sendable, Decodable, Equatable {
        public var loss: LossKind
        /// min-SNR limit, or absent for no weighting.
        public var minSNR: Double?
        /// Deblurring: whether the diffusion loss stops at the prediction (default: no), and the
        /// weight of the predictor's own loss (default: 0).
        public var detachPrediction: Bool?
        public var reconstructionWeight: Double?
    }
}
