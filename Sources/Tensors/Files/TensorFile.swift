/// A file of named tensors, of whatever format.
public protocol TensorFile: Sendable {
    /// The path as it was given.
    var path: String { get }

    /// The names of the tensors, sorted by their UTF-8 bytes.
    var names: [String] { get }

    /// What the file says of a tensor, or nil where it has none of that name.
    func entry(_ name: String) -> StoredTensor?

    /// The tensor of a name on the CPU, or nil where the file has none.
    func tensor(_ name: String) throws -> Tensor?
}

extension SafetensorsFile: TensorFile {}
extension PyTorchCheckpoint: TensorFile {}

extension TensorFile {
    /// What the file says of a tensor that it must have.
    ///
    /// - Throws: ``TensorFileError`` `.missingTensor`.
    public func requiredEntry(_ name: String) throws(TensorFileError) -> StoredTensor {
        guard let entry = entry(name) else {
            throw TensorFileError(
                .missingTensor, path: path, reason: "it has no tensor \(quoted(name))")
        }
        return entry
    }

    /// Refuses a file with a tensor that its reader has no use for.
    ///
    /// - Throws: ``TensorFileError`` `.unsupported` naming the first.
    public func requireOnly(_ isKnown: (_ name: String) -> Bool) throws(TensorFileError) {
        guard let strange = names.first(where: { !isKnown($0) }) else { return }
        throw TensorFileError(
            .unsupported, path: path, reason: "it has a tensor \(quoted(strange)) that has no place here")
    }

    /// The real-valued tensor of a name, which must have the given shape.
    ///
    /// - Throws: ``TensorFileError`` `.missingTensor` where there is none, `.unsupported` where it
    ///   has another shape or holds no real numbers.
    public func tensor(_ name: String, shape: [Int]) throws -> Tensor {
        let entry = try requiredEntry(name)
        guard entry.shape == shape, DType(entry.dtype).isFloatingPoint, let tensor = try tensor(name) else {
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
