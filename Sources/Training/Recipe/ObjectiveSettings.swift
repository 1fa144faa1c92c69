import Diffusion

extension Recipe {
    /// What is minimised.
    public struct ObjectiveSettings: Sendable, Decodable, Equatable {
        public var loss: LossKind
        /// min-SNR limit, or absent for no weighting.
        public var minSNR: Double?
        /// A second loss, on what the picture of the estimate x̂₀ looks like to a classifier.
        public var perceptual: Perceptual?
        /// Deblurring: whether the diffusion loss stops at the prediction (default: no; with ``perceptual`` it
        /// always does), and the weight of the predictor's own loss (default: 0).
        public var detachPrediction: Bool?
        public var reconstructionWeight: Double?
        /// Deblurring: what is trained, while the rest stays as it was; absent for the pictures.
        public var learns: Part?

        /// The parts of a deblurring model that are trained apart from each other.
        public enum Part: String, Sendable, Decodable, CaseIterable {
            /// Predictor and denoiser.
            case pictures
            /// The network that improves estimates of the blur; nothing else of the objective counts.
            case kernels
        }

        /// A loss on features of a trained classifier.
        public struct Perceptual: Sendable, Decodable, Equatable {
            /// Whose features are compared.
            public enum Network: String, Sendable, Decodable, CaseIterable {
                case efficientNetLite0 = "efficientnet-lite0"
            }

            public var network: Network
            /// What the loss is multiplied by before it is added.
            public var weight: Double
            /// Only every so many-th picture of a batch is looked at, beginning anywhere: looking takes longer than
            /// drawing where the network is small. Default: 1, all.
            public var every: Int
            /// A critic that learns beside the network, on the same features; absent for none.
            public var adversarial: Adversarial?

            private enum CodingKeys: String, CodingKey { case network, weight, every, adversarial }

            public init(
                network: Network, weight: Double, every: Int = 1, adversarial: Adversarial? = nil
            ) {
                (self.network, self.weight) = (network, weight)
                (self.every, self.adversarial) = (every, adversarial)
            }

            public init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: CodingKeys.self)
                self.init(
                    network: try values.decode(Network.self, forKey: .network),
                    weight: try values.decode(Double.self, forKey: .weight),
                    every: try values.decodeIfPresent(Int.self, forKey: .every) ?? 1,
                    adversarial: try values.decodeIfPresent(Adversarial.self, forKey: .adversarial))
            }
        }

        /// A loss by a network that learns to tell originals from restored pictures.
        public struct Adversarial: Sendable, Decodable, Equatable {
            /// What its judgement is multiplied by before it is added.
            public var weight: Double
            /// The critic's own; it neither warms up nor falls.
            public var learningRate: Double
            /// An estimate made at signal level γ counts (1 − γ) to this power: above 0 those made where little noise
            /// is left, which samplers of many steps make one after the other, are asked less to be sharp. Default: 0.
            public var noiseExponent: Double

            private enum CodingKeys: String, CodingKey { case weight, learningRate, noiseExponent }

            public init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: CodingKeys.self)
                weight = try values.decode(Double.self, forKey: .weight)
                learningRate = try values.decode(Double.self, forKey: .learningRate)
                noiseExponent = try values.decodeIfPresent(Double.self, forKey: .noiseExponent) ?? 0
            }
        }
    }
}
