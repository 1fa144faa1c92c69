import Tensors

/// Learned perceptual image patch similarity (LPIPS), version 0.1: a distance of two pictures;
/// 0 for equal ones, lower is better.
///
/// R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018,
/// equation 1: the features of a classifier trained on ImageNet, normalised to unit length over
/// channels (+1e-10); their squared differences weighted by a learned head for each channel, summed
/// over channels, averaged over positions, and summed over the features. Pictures are rounded to 8
/// bits and are neither cropped nor resized. Numbers of different networks do not compare.
public final class LPIPS: Sendable {
    /// The classifier whose features are compared.
    public enum Network: String, CaseIterable, Sendable {
        case alex, vgg, squeeze

        var architecture: TrunkArchitecture {
            switch self {
            case .alex: .alexNet
            case .vgg: .vgg16
            case .squeeze: .squeezeNet
            }
        }

        /// The classifier's name.
        public var title: String { architecture.name }

        /// Pixels of the shorter side that the network needs.
        public var minimumSide: Int { architecture.minimumSide }

        /// The file of the trunk's weights as torchvision publishes it.
        public var trunkFile: String {
            switch self {
            case .alex: "alexnet-owt-7be5be79.pth"
            case .vgg: "vgg16-397923af.pth"
            case .squeeze: "squeezenet1_1-b8a52dc0.pth"
            }
        }

        /// Whether that file is of PyTorch's format from before version 1.6, which is not read: it
        /// must be loaded and saved again in PyTorch.
        public var isTrunkOfOldFormat: Bool { self == .vgg }

        /// The network whose trunk a file holds, going by the shapes in it; nil for none.
        public init?(trunkIn file: some TensorFile) {
            self.init { network in
                network.architecture.weightShapes.allSatisfy { file.entry($0)?.shape == $1 }
            }
        }

        /// The network whose heads a file holds; nil for none.
        public init?(headsIn file: some TensorFile) {
            self.init { network in
                let channels = network.architecture.featureChannels
                return channels.indices.allSatisfy {
                    file.entry(LPIPS.headName($0))?.shape == [1, channels[$0], 1, 1]
                } && file.entry(LPIPS.headName(channels.count)) == nil
            }
        }

        private init?(where isMeant: (Network) -> Bool) {
            guard let network = Self.allCases.first(where: isMeant) else { return nil }
            self = network
        }

        /// Where torchvision publishes it.
        public var trunkURL: String { "https://download.pytorch.org/models/\(trunkFile)" }

        /// The file of the learned heads.
        public var headsFile: String { "lpips_lin_\(rawValue)_v0.1.safetensors" }

        /// Where the authors publish the heads, as a `.pth`.
        public var headsURL: String {
            "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/\(rawValue).pth"
        }
    }

    public let network: Network
    private let trunk: ConvolutionalTrunk
    /// A weight for each channel of each feature, 1×C×1×1.
    private let heads: [Tensor]
    private let device: Device

    /// Loads trunk and heads.
    ///
    /// - Parameters:
    ///   - trunk: a `.pth` of torchvision, or a safetensors file with the same names
    ///     (`features.0.weight`, …).
    ///   - heads: a safetensors file or `.pth` with the names `lin0.model.1.weight`, …
    /// - Throws: ``TensorFileError`` where a file cannot be read, lacks a layer, has it in another
    ///   shape, or says that its trunk was trained for Caffe's input.
    public init(_ network: Network, trunk: String, heads: String, device: Device = .cpu) throws {
        self.network = network
        self.device = device
        let file = try openTensorFile(trunk)
        if let input = (file as? SafetensorsFile)?.metadata["input"], input.hasPrefix("BGR") {
            throw TensorFileError(
                unsupported: trunk, reason: "its trunk takes BGR, and LPIPS needs the one of torchvision")
        }
        self.trunk = try ConvolutionalTrunk(network.architecture, file: file, device: device)
        let headsFile = try openTensorFile(heads)
        self.heads = try network.architecture.featureChannels.enumerated().map { index, channels in
            try headsFile.tensor(Self.headName(index), shape: [1, channels, 1, 1])
                .to(.float32).to(device)
        }
    }

    private static func headName(_ index: Int) -> String { "lin\(index).model.1.weight" }

    /// The distance of two pictures.
    ///
    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3; see ``Network/minimumSide``.
    ///   - reference: of the same shape.
    /// - Throws: ``TensorError`` where the shapes do not fit or a value is not finite.
    public func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double {
        try noGrad {
            try trunk.comparedDirections(output, reference, input: .torchvision, device: device) {
                try ($1 * heads[$0]).sum([1]).to(.float64).mean().item()
            }.reduce(0, +)
        }
    }
}
