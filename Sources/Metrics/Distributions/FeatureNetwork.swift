import Tensors

/// A network that makes one vector of a picture, for distances between sets of pictures.
public protocol FeatureNetwork: Sendable {
    /// The network and the weights it has, for the protocol: a distance without it means nothing.
    var name: String { get }

    /// The length of a vector.
    var featureCount: Int { get }

    /// Pixels of the shorter side that the network needs.
    var minimumSide: Int { get }

    /// The vector of a picture.
    ///
    /// - Parameter picture: 1×C×H×W in [-1, 1], C = 1 or 3.
    /// - Returns: of length ``featureCount``, float64, on the CPU.
    /// - Throws: ``TensorError`` where the picture is too small or a value is not finite.
    func features(of picture: Tensor) throws -> Tensor
}

/// The mean over all positions of a classifier's last convolutional feature.
public struct PooledFeatures: FeatureNetwork {
    public let name: String
    private let trunk: ConvolutionalTrunk
    private let input: TrunkInput
    private let device: Device

    /// SqueezeNet 1.1 as trained in Caffe, the trunk of ``SqueezeNetFeatureDistance``: 512 features.
    ///
    /// - Throws: ``TensorFileError`` where the file is not that trunk.
    public init(squeezenet path: String, device: Device = .cpu) throws {
        trunk = try ConvolutionalTrunk(.squeezeNet, file: SafetensorsFile(path: path), device: device)
        name = "\(trunk.architecture.name) (Caffe)"
        input = .caffe
        self.device = device
    }

    /// A trunk of torchvision as ``LPIPS`` takes it: 256 features of AlexNet, 512 of the others.
    ///
    /// - Throws: ``TensorFileError`` where the file is not that trunk.
    public init(_ network: LPIPS.Network, path: String, device: Device = .cpu) throws {
        trunk = try ConvolutionalTrunk(network.architecture, file: openTensorFile(path), device: device)
        name = "\(trunk.architecture.name) (torchvision)"
        input = .torchvision
        self.device = device
    }

    public var featureCount: Int { trunk.architecture.featureChannels.last ?? 0 }

    public var minimumSide: Int { trunk.architecture.minimumSide }

    public func features(of picture: Tensor) throws -> Tensor {
        try noGrad {
            var last: Tensor?
            try trunk.forEachFeature(of: input.scaled(picture, device: device)) { last = $0 }
            guard let last else { throw TensorError(operation: name, reason: "there is no feature") }
            return try last.to(.float64).mean([0, 2, 3]).to(.cpu)
        }
    }
}
