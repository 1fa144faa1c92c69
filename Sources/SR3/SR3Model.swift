import Diffusion
import Foundation
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

    public init(
        _ configuration: SR3Configuration, seed: UInt64 = 0, device: Device = .cpu,
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

    static let format = "restore-sr3"

    /// Saves weights (as given, for example the EMA's) with the configuration in the metadata.
    ///
    /// - Parameter dtype: `.float16` halves the file; the network computes in float32.
    public static func save(
        _ weights: [(name: String, value: Tensor)], configuration: SR3Configuration,
        metadata: [String: String],
        to path: String, dtype: DType = .float16
    ) throws {
        var all = metadata
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        all["format"] = format
        all["configuration"] = String(decoding: try encoder.encode(configuration), as: UTF8.self)
        try SafetensorsWriter.write(
            weights.map { ($0.name, try $0.value.detach().to(dtype)) }, metadata: all, to: path)
    }

    /// Loads a model for inference.
    ///
    /// - Throws: ``ModelError`` when the file is not an SR3 model or a weight is NaN or infinite.
    public convenience init(path: String, device: Device = .cpu) throws {
        let file = try SafetensorsFile(path: path)
        guard file.metadata["format"] == Self.format, let text = file.metadata["configuration"] else {
            throw ModelError(path: path, reason: "it is not an SR3 model of restore")
        }
        let configuration: SR3Configuration
        do {
            configuration = try JSONDecoder().decode(SR3Configuration.self, from: Data(text.utf8))
        } catch is DecodingError {
            throw ModelError(path: path, reason: "its configuration cannot be read")
        } catch {
            throw ModelError(path: path, reason: "\(error)")
        }
        do {
            try self.init(configuration, device: device, metadata: file.metadata)
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
        } catch let error as ModelError {
            throw error
        } catch let error as TensorFileError {
            throw error
        } catch {
            throw ModelError(path: path, reason: "\(error)")
        }

        for parameter in network.parameters { try parameter.value.setRequiresGrad(false) }
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
