import Degradation
import ImageFiles
import Training

/// Kernels of blurred pictures, each in a PNG file of its picture's name.
public struct KernelFolder: Sendable {
    /// SHA-256 of the files of the pairs that are measured.
    let digest: String
    private let folder: String

    /// - Parameter pairs: those that will be measured, of which each must have its kernel.
    /// - Throws: ``DataError``, ``DegradationError`` or ``ImageFileError`` naming the file that is missing or is none.
    public init(_ folder: String, for pairs: [EvaluationPair]) throws {
        self.folder = folder
        digest = try FileDigest.sha256(pairs.map { Self.file(of: $0, in: folder) })
        for pair in pairs { _ = try kernel(of: pair) }
    }

    private static func file(of pair: EvaluationPair, in folder: String) -> String {
        "\(folder)/\(pair.name).png"
    }

    func kernel(of pair: EvaluationPair) throws -> BlurKernel {
        try BlurKernel(path: Self.file(of: pair, in: folder))
    }
}
