import Degradation

extension Recipe {
    /// What a run learns from.
    public struct DataSettings: Sendable, Decodable, Equatable {
        /// Where decoded pictures are kept.
        public enum Memory: String, Sendable, Codable, CaseIterable {
            /// On the device where they fit, else on the host.
            case auto
            case device, host
        }

        /// Names of manifests in Datasets/; empty for every picture found under `--data`.
        public var sets: [String]
        /// File names of pictures that nothing is learnt from. Default: none.
        public var exclude: [String]
        /// Side of the square HR crops in pixels.
        public var patchSize: Int
        /// Pictures held out for validation, taken evenly from the sorted list.
        public var validationCount: Int
        /// Deblurring: the manifest of a sequence of consecutive frames whose averages are real
        /// motion blur, and the share of a batch that comes from it.
        public var frames: String?
        public var framesShare: Double?
        /// How many frames are averaged, the fewest and the most; odd numbers between them are drawn.
        public var frameCounts: DrawRange?
        /// Deblurring with deconvolution: how many kernels are drawn and estimated before training.
        public var kernelEstimates: Int?
        /// Where kernels are learnt: how many are estimated besides in parts of large photographs, whose blur may be longer. Default: 0.
        public var largeKernelEstimates: Int?
        /// In how many ways each is estimated, of which that counts whose deconvolved picture is nearest to the sharp one.
        /// Default: 1.
        public var blurEstimates: Int?
        /// How often the blur of a picture whose light was blurred is divided out of light in a predictor's lesson, and not
        /// of stored values. Default: 0.
        public var lightShare: Double?
        /// Where kernels are learnt: a deblurring model, by name or path, whose network takes part in the search that lessons are made of,
        /// so that they show what it will see where its own kernels led. Default: none does.
        public var searchModel: String?
        /// Default: auto.
        public var memory: Memory

        private enum CodingKeys: String, CodingKey {
            case sets, exclude, patchSize, validationCount, frames, framesShare, frameCounts, kernelEstimates
            case largeKernelEstimates, blurEstimates, lightShare, searchModel, memory
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            sets = try values.decode([String].self, forKey: .sets)
            exclude = try values.decodeIfPresent([String].self, forKey: .exclude) ?? []
            patchSize = try values.decode(Int.self, forKey: .patchSize)
            validationCount = try values.decode(Int.self, forKey: .validationCount)
            frames = try values.decodeIfPresent(String.self, forKey: .frames)
            framesShare = try values.decodeIfPresent(Double.self, forKey: .framesShare)
            frameCounts = try values.decodeIfPresent(DrawRange.self, forKey: .frameCounts)
            kernelEstimates = try values.decodeIfPresent(Int.self, forKey: .kernelEstimates)
            largeKernelEstimates = try values.decodeIfPresent(Int.self, forKey: .largeKernelEstimates)
            blurEstimates = try values.decodeIfPresent(Int.self, forKey: .blurEstimates)
            lightShare = try values.decodeIfPresent(Double.self, forKey: .lightShare)
            searchModel = try values.decodeIfPresent(String.self, forKey: .searchModel)
            memory = try values.decodeIfPresent(Memory.self, forKey: .memory) ?? .auto
        }
    }
}
