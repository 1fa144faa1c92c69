import Foundation
import Tensors

/// Weights and configuration of a trained model in one safetensors file.
///
/// The metadata hold `format` (which task), `configuration` (JSON) and the model's card.
public struct ModelFile<Configuration: Codable & Sendable>: Sendable {
    /// The metadata's `format`, for example `restore-sr3`.
    public let format: String
    /// For messages, for example "an SR3 model".
    public let kind: String

    public init(format: String, kind: String) {
        self.format = format
        self.kind = kind
    }

    /// Bytes of tensors in each file of a model that is written in several.
    static var shardLimit: Int { 16 << 20 - 1 << 16 }

    /// Saves weights (as given, for example the EMA's) with their configuration.
    ///
    /// - Parameter path: where it ends in `.safetensors.index.json`, the model is written in several files
    ///   of at most 16 MiB beside that index.
    /// - Parameter dtype: `.float16` halves the file; networks compute in float32.
    public func save(
        _ weights: [(name: String, value: Tensor)], configuration: Configuration,
        metadata: [String: String], to path: String, dtype: DType = .float16
    ) throws {
        var all = metadata
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        all["format"] = format
        all["configuration"] = String(decoding: try encoder.encode(configuration), as: UTF8.self)
        let stored = try weights.map { (name: $0.name, value: try $0.value.detach().to(dtype)) }
        if path.hasSuffix(SafetensorsShards.suffix) {
            try SafetensorsShards.write(
                TensorSource.sources(stored), metadata: all, to: path, limit: Self.shardLimit)
        } else {
            try SafetensorsWriter.write(stored, metadata: all, to: path)
        }
    }

    /// Builds a network from a file and loads its weights, which then need no gradients.
    ///
    /// - Parameter build: makes what holds the network, and the network itself.
    /// - Throws: ``ModelError`` when the file is of another kind or a weight is missing, unknown,
    ///   NaN or infinite.
    public func load<Model>(
        _ path: String, build: (Configuration, [String: String]) throws -> (model: Model, network: Module)
    ) throws -> Model {
        let file = try openWeights(path)
        guard file.metadata["format"] == format, let text = file.metadata["configuration"] else {
            throw ModelError(path: path, reason: "it is not \(kind) of restore")
        }
        let configuration: Configuration
        do {
            configuration = try JSONDecoder().decode(Configuration.self, from: Data(text.utf8))
        } catch is DecodingError {
            throw ModelError(path: path, reason: "its configuration cannot be read")
        } catch {
            throw ModelError(path: path, reason: "\(error)")
        }
        do {
            let (model, network) = try build(configuration, file.metadata)
            try network.load { name in
                guard let value = try file.tensor(name) else { return nil }
                guard try value.to(.float32).isFinite() else {
                    throw ModelError(path: path, reason: "the weight '\(name)' contains NaN or infinity")
                }
                return value
            }
            // A file with more weights than the network has is of another network.
            if let extra = Set(file.names).subtracting(network.parameters.map(\.name)).min() {
                throw ModelError(path: path, reason: "the network has no place for the weight '\(extra)'")
            }
            for parameter in network.parameters { try parameter.value.setRequiresGrad(false) }
            return model
        } catch let error as ModelError {
            throw error
        } catch let error as TensorFileError {
            throw error
        } catch {
            throw ModelError(path: path, reason: "\(error)")
        }
    }
}

/// Why a file cannot be used as a model.
public struct ModelError: Error, CustomStringConvertible, Sendable {
    public let path: String
    public let reason: String
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
    public var description: String { "'\(path)' cannot be used as a model: \(reason)" }
}
