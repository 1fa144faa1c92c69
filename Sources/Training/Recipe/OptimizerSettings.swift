extension Recipe {
    /// How the weights move.
    public struct OptimizerSettings: Sendable, Decodable, Equatable {
        public enum Method: String, Sendable, Codable, CaseIterable {
            /// AdamW for everything.
            case adamw
            /// Muon for the convolutions inside the network, AdamW for the rest.
            case muon
        }

        /// The learning rate after warm-up.
        public enum Schedule: String, Sendable, Codable, CaseIterable {
            /// Level, then falling linearly over the last `decayFraction` of the run.
            case linear
            /// Level, then falling by half a period of the cosine over the last `decayFraction`.
            case cosine
            /// √(warmupSteps/step), then also falling linearly over the last `decayFraction`.
            case inverseSquareRoot
        }

        /// The number format of the network's passes.
        public enum Precision: String, Sendable, Codable, CaseIterable {
            /// bfloat16 where the device is fast at it, else float32.
            case auto
            case float32
            /// Passes in bfloat16 where it is safe, weights in float32.
            case bfloat16
        }

        /// Whether what a step asks of a GPU is written down once and replayed (a CUDA graph).
        public enum Replay: String, Sendable, Codable, CaseIterable {
            /// Where the device and the recipe allow it.
            case auto
            case never
        }

        /// Default: adamw.
        public var method: Method?
        public var learningRate: Double
        public var warmupSteps: Int
        /// Default: linear.
        public var schedule: Schedule
        /// The last part of the run over which the rate falls to `finalFraction` of what it was.
        public var decayFraction: Double
        public var finalFraction: Double
        public var beta1: Double
        public var beta2: Double
        /// What AdamW adds to √v̂. Default: 1e-8.
        public var epsilon: Double
        public var weightDecay: Double
        public var gradientClip: Double
        /// Pictures a step, over all micro-batches, of one rank.
        public var batchSize: Int
        /// Micro-batches a step, whose gradients are averaged. Default: 1.
        public var accumulation: Int
        /// Default: auto.
        public var precision: Precision
        /// Default: auto.
        public var replay: Replay
        public var emaDecay: Double

        private enum CodingKeys: String, CodingKey {
            case method, learningRate, warmupSteps, schedule, decayFraction, finalFraction, beta1, beta2
            case epsilon, weightDecay, gradientClip, batchSize, accumulation, precision, replay, emaDecay
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            func number(_ key: CodingKeys) throws -> Double { try values.decode(Double.self, forKey: key) }
            method = try values.decodeIfPresent(Method.self, forKey: .method)
            learningRate = try number(.learningRate)
            warmupSteps = try values.decode(Int.self, forKey: .warmupSteps)
            schedule = try values.decodeIfPresent(Schedule.self, forKey: .schedule) ?? .linear
            decayFraction = try number(.decayFraction)
            finalFraction = try number(.finalFraction)
            beta1 = try number(.beta1)
            beta2 = try number(.beta2)
            epsilon = try values.decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-8
            weightDecay = try number(.weightDecay)
            gradientClip = try number(.gradientClip)
            batchSize = try values.decode(Int.self, forKey: .batchSize)
            accumulation = try values.decodeIfPresent(Int.self, forKey: .accumulation) ?? 1
            precision = try values.decodeIfPresent(Precision.self, forKey: .precision) ?? .auto
            replay = try values.decodeIfPresent(Replay.self, forKey: .replay) ?? .auto
            emaDecay = try number(.emaDecay)
        }
    }
}
