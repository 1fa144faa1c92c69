/// A file of named tensors, of whatever format.
public protocol TensorFile: Sendable {
    /// The path as it was given.
    var path: String { get }

    /// What the file says of a tensor, or nil where it has none of that name.
    func entry(_ name: String) -> StoredTensor?

    /// The tensor of a name on the CPU, or nil where the file has none.
    func tensor(_ name: String) throws -> Tensor?
}

extension SafetensorsFile: TensorFile {}
extension PyTorchCheckpoint: TensorFile {}

extension TensorFile {
    /// The real-valued tensor of a name, which must have the given shape.
    ///
    /// - Throws: ``TensorFileError`` `.missingTensor` where there is none, `.unsupported` where it
    ///   has another shape or holds no real numbers.
    public func tensor(_ name: String, shape: [Int]) throws -> Tensor {
        guard let entry = entry(name), let tensor = try tensor(name) else {
            throw TensorFileError(
                .missingTensor, path: path, reason: "it has no tensor \(quoted(name))")
        }
        guard entry.shape == shape, tensor.dtype.isFloatingPoint else {
            throw TensorFileError(
                .unsupported, path: path,
                reason:
                    "its tensor \(quoted(name)) is \(entry.dtype) of shape \(entry.shape), not real of \(shape)"
            )
        }
        return tensor
    }
}

/// Opens a PyTorch checkpoint (`.pth`, `.pt`) or, by any other name, a safetensors file.
///
/// - Throws: `.notFound`, `.unreadable`, `.malformed` or `.unsupported`.
public func openTensorFile(_ path: String) throws(TensorFileError) -> any TensorFile {
    if [".pth", ".pt"].contains(where: { path.lowercased().hasSuffix($0) }) {
        return try PyTorchCheckpoint(path: path)
    }
    return try SafetensorsFile(path: path)
}
