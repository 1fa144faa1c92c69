/// A safetensors file, mapped read-only and checked in full when it is opened.
///
/// Opening reads only the header; a tensor's bytes come from disk when they are touched.
/// Every claim of the header is checked first: a file that opens has tensors that cover it
/// exactly, each as long as its shape and element type say. The values are not looked at,
/// so a `bool` may hold a byte other than 0 and 1.
///
/// The file must not be cut short while it is open, or the system ends the process when
/// the missing part is touched; replacing it by renaming, as ``SafetensorsWriter`` does,
/// is safe.
public final class SafetensorsFile: Sendable {
    /// The path as it was given.
    public let path: String

    /// The free text kept with the tensors (the header's `__metadata__`); empty if none.
    public let metadata: [String: String]

    /// The names of the tensors, sorted by their UTF-8 bytes.
    public let names: [String]

    /// The size of the whole file, in bytes.
    public var byteCount: Int { file.bytes.count }

    private let file: MappedFile
    private let header: SafetensorsHeader

    /// Opens and checks a file.
    ///
    /// - Throws: `.notFound`, `.unreadable`, `.malformed` or `.unsupported`.
    public init(path: String) throws(TensorFileError) {
        self.path = path
        do throws(FileDefect) {
            file = try MappedFile(path: path)
            header = try SafetensorsHeader(file: file.bytes)
        } catch {
            throw TensorFileError(error, path: path)
        }
        metadata = header.metadata
        names = header.tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What the file says of a tensor, or `nil` where it has none of that name.
    public func entry(_ name: String) -> StoredTensor? {
        header.tensors[name]
    }

    /// Lends the bytes of a tensor: contiguous, row-major, little-endian.
    ///
    /// The pointer is valid only inside `body` and may not be aligned for the element type,
    /// so copy from it or use `loadUnaligned`. Its length is the entry's `byteCount`.
    ///
    /// - Throws: `.missingTensor` where the file has none of that name, or what `body` throws.
    public func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws
        -> R
    {
        guard let range = header.ranges[name],
            let bytes = file.bytes.part(at: range.lowerBound, length: range.count)
        else {
            throw TensorFileError(
                .missingTensor, path: path, reason: "it has no tensor \(quoted(name))")
        }
        return try withExtendedLifetime(file) { try body(bytes) }
    }
}
