import Foundation
import ImageFiles
import ImageTensors
import PythonReference
import Tensors
import Testing

/// What the scripts of Fixtures/ make of photographs.
enum ReferenceValues {
    static let isPossible = PythonReference.python != nil && TestData.exists("test")
    static let reason: Comment = "there is no Python with PyTorch or no folder of test data"

    static func values(
        of script: String, leading: [String] = [], _ tensors: [(name: String, value: Tensor)],
        trailing: [String] = []
    ) throws -> [Double] {
        let file = try PythonReference.results(
            of: "MetricsTests/Fixtures/\(script)", leading: leading, tensors, trailing: trailing)
        return try #require(try file.tensor("value")).doubles()
    }

    /// C×H×W gray levels, float64, of a picture in [-1, 1].
    static func levels(_ picture: Tensor) throws -> Tensor {
        try (picture.to(.float64) * 127.5 + 127.5).rounded().reshaped(Array(picture.shape.dropFirst()))
    }

    /// A photograph and what is left of it after shrinking by four.
    static func pair(_ path: String) throws -> (original: Tensor, bicubic: Tensor) {
        let image = try Image.read(from: TestData.path(path))
        let original = try image.tensor(channels: image.colorChannels)
        let shape = original.shape
        let small = try original.resized(height: shape[2] / 4, width: shape[3] / 4).quantized()
        return try (original, small.resized(height: shape[2], width: shape[3]).quantized())
    }

    /// Whether a value agrees to one part in ten thousand.
    static func agrees(_ found: Double, _ wanted: Double, within tolerance: Double = 1e-4) -> Bool {
        abs(found - wanted) <= tolerance * abs(wanted)
    }
}
