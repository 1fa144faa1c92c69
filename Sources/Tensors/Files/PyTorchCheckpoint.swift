/// The tensors of a PyTorch checkpoint (`.pth`, `.pt`), read without running anything.
///
/// It reads what `torch.save` has written since PyTorch 1.6: a zip archive with a pickle and
/// the elements beside it. The pickle may hold dictionaries, lists, numbers, text and tensors
/// or parameters; anything else, such as a whole module or a NumPy array, is refused by name.
///
/// Nested dictionaries are flattened to dotted names: `{"params": {"conv.weight": t}}` gives
/// `params.conv.weight`. What is not a tensor is passed over.
///
/// The file must not be cut short while it is open; see ``SafetensorsFile``.
public final class PyTorchCheckpoint: Sendable {
    /// The path as it was given.
    public let path: String

    /// The names of the tensors, sorted by their UTF-8 bytes.
    public let names: [String]

    private let file: MappedFile
    private let tensors: [String: StridedBytes]

    /// Opens and checks a file.
    ///
    /// - Throws: `.notFound`, `.unreadable`, `.malformed` or `.unsupported`.
    public init(path: String) throws(TensorFileError) {
        self.path = path
        do throws(FileDefect) {
            file = try MappedFile(path: path)
            tensors = try Self.tensors(in: file.bytes)
        } catch {
            throw TensorFileError(error, path: path)
        }
        names = tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What the file says of a tensor, or `nil` where it has none of that name.
    public func entry(_ name: String) -> StoredTensor? {
        tensors[name]?.tensor
    }

    /// The bytes of a tensor, made contiguous: row-major, little-endian.
    ///
    /// - Throws: `.missingTensor` where the file has none of that name.
    public func bytes(of name: String) throws(TensorFileError) -> [UInt8] {
        guard let tensor = tensors[name] else {
            throw TensorFileError(
                .missingTensor, path: path, reason: "it has no tensor \(quoted(name))")
        }
        return withExtendedLifetime(file) { tensor.contiguous(in: file.bytes) }
    }

    /// The tensors of a file whose bytes are at hand; nothing in it is trusted.
    static func tensors(in file: UnsafeRawBufferPointer) throws(FileDefect) -> [String:
        StridedBytes]
    {
        try checkIsArchive(file)
        let entries = try ZipDirectory(archive: file).entries
        let pickles = entries.keys.filter { $0.utf8.count < 4096 && $0.hasSuffix("/data.pkl") }
        guard pickles.count == 1, let name = pickles.first,
            let pickle = part(entries[name], of: file)
        else {
            throw .malformed("it is a zip archive, but not one that PyTorch wrote")
        }
        let folder = String(name.dropLast("data.pkl".count))
        if let order = part(entries[folder + "byteorder"], of: file),
            !order.elementsEqual("little".utf8)
        {
            throw .unsupported("its numbers are not kept in little-endian order")
        }
        return try PickleMachine.read(pickle) { root throws(FileDefect) in
            try checkViews(
                of: try StateDictionary(root).tensors, entries: entries, folder: folder,
                fileSize: file.count)
        }
    }

    private static func checkViews(
        of tensors: [String: PickledTensor], entries: [String: Range<Int>], folder: String,
        fileSize: Int
    ) throws(FileDefect) -> [String: StridedBytes] {
        // Tensors may share elements and repeat them, so that a few bytes can claim to be
        // any number; past this much it is not a checkpoint but a trap.
        var allowance = 8 * fileSize + (256 << 20)
        var checked: [String: StridedBytes] = [:]
        for (name, view) in tensors.sorted(by: { $0.key < $1.key }) {
            guard let storage = entries[folder + "data/" + view.storage.key] else {
                throw .malformed("the elements of the tensor \(quoted(name)) are missing")
            }
            let strided = try StridedBytes(name: name, view: view, storage: storage)
            guard strided.tensor.byteCount <= allowance else {
                throw .unsupported(
                    "its tensors repeat their elements to many times the size of the file")
            }
            allowance -= strided.tensor.byteCount
            checked[name] = strided
        }
        return checked
    }

    private static func part(_ range: Range<Int>?, of file: UnsafeRawBufferPointer)
        -> UnsafeRawBufferPointer?
    {
        range.flatMap { file.part(at: $0.lowerBound, length: $0.count) }
    }

    /// Tells the formats that users meet apart from plain damage.
    private static func checkIsArchive(_ file: UnsafeRawBufferPointer) throws(FileDefect) {
        switch (file.littleEndian(UInt16.self, at: 0), file.first) {
        case (0x4B50, _): return
        case (_, 0x80):
            throw .unsupported(
                "it is a pickle, perhaps in PyTorch's format from before version 1.6; "
                    + "load it in PyTorch and save it again")
        default: throw .malformed("it is not a PyTorch checkpoint")
        }
    }
}
