import Diffusion
import Tensors

/// An SR3 network with its configuration: the LR picture upsampled by bicubic is
/// concatenated with the noisy picture, and the network is given the signal level γ, never t.
///
/// Source: Saharia et al., "Image super-resolution via iterative refinement", 2021.
public final class SR3Model {
    public let configuration: SR3Configuration
    public let network: UNet
    /// Everything else the weights' file says: model card, licence, recipe.
    public let metadata: [String: String]
    public let device: Device

    /// - Parameter seed: of the initial weights; nil leaves them at 0, to be loaded.
    public init(
        _ configuration: SR3Configuration, seed: UInt64? = 0, device: Device = .cpu,
        metadata: [String: String] = [:]
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.device = device
        self.metadata = metadata
        network = try UNet(configuration.network, seed: seed, device: device)
    }

    // MARK: target

    /// What is diffused for an HR picture and its condition (upsampled LR), both in [-1, 1].
    public func target(hr: Tensor, condition: Tensor) throws -> Tensor {
        switch configuration.target {
        case .image: hr
        case .residual(let scale): try (hr - condition) / scale
        }
    }

    /// The picture that a diffused target stands for, in [-1, 1] up to overshoot.
    public func picture(target: Tensor, condition: Tensor) throws -> Tensor {
        switch configuration.target {
        case .image: target
        case .residual(let scale): try condition + target * scale
        }
    }

    /// x̂₀ of a picture lies in [-1, 1]; of a residual in ±2/scale.
    public var clampBound: Double {
        switch configuration.target {
        case .image: 1
        case .residual(let scale): 2 / scale
        }
    }

    /// The prediction at given levels (length N), as the objective asks for it.
    public func prediction(noisy: Tensor, condition: Tensor, signalLevel: Tensor) throws -> Tensor {
        try network(noisy, condition: condition, signalLevel: signalLevel)
    }

    // MARK: files

    /// What an SR3 model's file calls itself in its metadata.
    public static let format = "restore-sr3"

    private static let file = ModelFile<SR3Configuration>(format: format, kind: "an SR3 model")

    /// Saves weights (as given, for example the EMA's) with the configuration in the metadata.
    ///
    /// - Parameter dtype: `.float16` halves the file; the network computes in float32.
    public static func save(
        _ weights: [(name: String, value: Tensor)], configuration: SR3Configuration,
        metadata: [String: String], to path: String, dtype: DType = .float16
    ) throws {
        try file.save(weights, configuration: configuration, metadata: metadata, to: path, dtype: dtype)
    }

    /// Loads a model for inference.
    ///
    /// - Throws: ``ModelError`` when the file is not an SR3 model or a weight is NaN or infinite.
    public static func load(_ path: String, device: Device = .cpu) throws -> SR3Model {
        try file.load(path) { configuration, metadata in
            let model = try SR3Model(configuration, seed: nil, device: device, metadata: metadata)
            return (model, model.network)
        }
    }
}
