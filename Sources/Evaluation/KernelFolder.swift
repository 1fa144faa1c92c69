import Degradation
import ImageFiles
import Training

/// Kernels of blurred pictures, each in a PNG file of its picture's name.
public struct KernelFolder: Sendable {
    /// SHA-256 of the files of the pairs that are measured.
    let digest: String
    /// By the pictures' names.
    private let kernels: [String: BlurKernel]

    /// - Parameter pairs: those that will be measured, of which each must have its kernel.
    /// - Throws: ``DataError``, ``DegradationError`` or ``ImageFileError`` naming the file that is missing or is none.
    public init(_ folder: String, for pairs: [EvaluationPair]) throws {
        let files = pairs.map { (name: $0.name, path: "\(folder)/\($0.name).png") }
        digest = try FileDigest.sha256(files.map(\.path))
        kernels = try .init(files.map { ($0.name, try BlurKernel(path: $0.path)) }) { first, _ in first }
    }

    func kernel(of pair: EvaluationPair) throws -> BlurKernel {
        guard let kernel = kernels[pair.name] else {
            throw DataError("'\(pair.input)' is none of the pictures whose kernels were read")
        }
        return kernel
    }
}
