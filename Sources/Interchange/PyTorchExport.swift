import Deblur
import Diffusion
import Foundation
import SR3
import Tensors

/// A model of ours for PyTorch: weights in float32, a JSON configuration, and a module that loads them.
public struct PyTorchExport {
    /// The configuration and the model's format, as JSON.
    public let configuration: String
    private let write: (_ path: String) throws -> Void

    /// What ``loader`` is called.
    public static let loaderName = "restore_unet.py"

    /// A Python module with the same networks; it needs PyTorch alone.
    public static var loader: String { String(decoding: PackageResources.restore_unet_py, as: UTF8.self) }

    /// - Throws: ``ModelError`` when the file is no model of ours; ``TensorFileError``.
    public init(model path: String) throws {
        switch try openWeights(path).metadata["format"] {
        case SR3Model.format:
            let model = try SR3Model.load(path)
            configuration = try Document(SR3Model.format, model.configuration).text()
            write = {
                try SR3Model.save(
                    model.network.parameters, configuration: model.configuration, metadata: model.metadata,
                    to: $0, dtype: .float32)
            }
        case DeblurModel.format:
            let model = try DeblurModel.load(path)
            configuration = try Document(DeblurModel.format, model.configuration).text()
            write = {
                try DeblurModel.save(
                    model.networks.parameters, configuration: model.configuration, metadata: model.metadata,
                    to: $0, dtype: .float32)
            }
        default: throw ModelError(path: path, reason: "it is not a model of restore")
        }
    }

    /// Writes the weights as a safetensors file, which is a model of ours too.
    public func writeWeights(to path: String) throws { try write(path) }

    private struct Document<Configuration: Encodable>: Encodable {
        let format: String
        let configuration: Configuration

        init(_ format: String, _ configuration: Configuration) {
            self.format = format
            self.configuration = configuration
        }

        func text() throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}
