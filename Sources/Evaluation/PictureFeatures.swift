import Foundation
import Metrics
import Tensors

/// The feature vectors of an output's patches and of its original's, by which sets are compared.
public struct PictureFeatures: Codable, Equatable, Sendable {
    /// Numbers in a vector.
    let length: Int
    /// Vectors one after the other, float32 as this machine stores them.
    let output: Data
    let original: Data

    /// nil where the pictures are smaller than a patch.
    init?(_ patches: PatchFeatures, output: Tensor, original: Tensor) throws {
        guard let output = try patches(output), let original = try patches(original) else { return nil }
        length = output.shape[1]
        self.output = try Self.bytes(output)
        self.original = try Self.bytes(original)
    }

    private static func bytes(_ tensor: Tensor) throws -> Data {
        try tensor.floats().withUnsafeBytes { Data($0) }
    }

    /// The distance between all outputs and all originals; NaN for fewer than two pictures.
    static func kernelDistance(_ pictures: [PictureFeatures]) -> Double {
        let distance = try? KernelDistance.paired(
            pictures.map { try $0.vectors($0.output) }, pictures.map { try $0.vectors($0.original) })
        return distance ?? .nan
    }

    private func vectors(_ data: Data) throws -> Tensor {
        let values = data.withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<Float>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Float>.size, as: Float.self)
            }
        }
        return try Tensor(values, shape: [values.count / length, length])
    }
}
