import Diffusion
import Tensors

/// A predict-and-refine deblurrer with what its file says about it.
public final class DeblurModel {
    public let networks: PredictAndRefine
    /// Everything else the weights' file says: model card, licence, recipe.
    public let metadata: [String: String]
    public let device: Device

    public var configuration: DeblurConfiguration { networks.configuration }

    public init(
        _ configuration: DeblurConfiguration, seed: UInt64? = 0, device: Device = .cpu,
        metadata: [String: String] = [:]
    ) throws {
        networks = try PredictAndRefine(configuration, seed: seed, device: device)
        self.device = device
        self.metadata = metadata
    }

    /// What a deblurring model's file calls itself in its metadata.
    public static let format = "restore-deblur"

    private static let file = ModelFile<DeblurConfiguration>(
        format: format, kind: "a deblurring model")

    /// Saves weights (as given, for example the EMA's) with the configuration in the metadata.
    ///
    /// - Parameter dtype: `.float16` halves the file; the networks compute in float32.
    public static func save(
        _ weights: [(name: String, value: Tensor)], configuration: DeblurConfiguration,
        metadata: [String: String], to path: String, dtype: DType = .float16
    ) throws {
        try file.save(weights, configuration: configuration, metadata: metadata, to: path, dtype: dtype)
    }

    /// Loads a model for inference.
    ///
    /// - Throws: ``ModelError`` when the file is not a deblurring model or a weight is NaN or infinite.
    public static func load(_ path: String, device: Device = .cpu) throws -> DeblurModel {
        try file.load(path) { configuration, metadata in
            let model = try DeblurModel(configuration, seed: nil, device: device, metadata: metadata)
            return (model, model.networks)
        }
    }
}
