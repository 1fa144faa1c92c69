import Foundation

/// Named tensors in several safetensors files, each of a limited size, with an index beside them, as
/// Hugging Face's libraries write and read them: `NAME-00001-of-00003.safetensors` and
/// `NAME.safetensors.index.json`.
public final class SafetensorsShards: WeightsFile {
    /// How the name of an index ends.
    public static let suffix = ".safetensors.index.json"

    /// The index's path as it was given.
    public let path: String
    /// The free text kept with the tensors; every shard has it.
    public let metadata: [String: String]
    public let names: [String]
    /// The index's, then those of the files that it names, in their order.
    public let paths: [String]
    /// Of all these files.
    public let byteCount: Int
    private let files: [String: SafetensorsFile]

    private struct Index: Codable {
        struct Metadata: Codable {
            var totalSize: Int
            enum CodingKeys: String, CodingKey { case totalSize = "total_size" }
        }
        var metadata: Metadata
        /// Which file has a tensor.
        var files: [String: String]
        enum CodingKeys: String, CodingKey {
            case metadata
            case files = "weight_map"
        }
    }

    /// Opens an index and the files that it names, which lie in its folder.
    ///
    /// - Throws: ``TensorFileError`` where one of them is missing or damaged, or lacks a tensor.
    public init(path: String) throws(TensorFileError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TensorFileError(.notFound, path: path, reason: "it cannot be read")
        }
        guard let index = try? JSONDecoder().decode(Index.self, from: data), !index.files.isEmpty,
            index.files.values.allSatisfy({ !$0.isEmpty && !$0.contains("/") && !$0.contains("\0") })
        else {
            throw TensorFileError(.malformed, path: path, reason: "it is not an index of safetensors files")
        }
        let folder = path.folderOfPath
        var opened: [String: SafetensorsFile] = [:]
        var files: [String: SafetensorsFile] = [:]
        for (name, part) in index.files {
            let file: SafetensorsFile
            if let known = opened[part] {
                file = known
            } else {
                file = try SafetensorsFile(path: folder.isEmpty ? part : "\(folder)/\(part)")
            }
            opened[part] = file
            _ = try file.requiredEntry(name)
            files[name] = file
        }
        let parts = opened.sorted { $0.key < $1.key }.map(\.value)
        self.path = path
        self.files = files
        paths = [path] + parts.map(\.path)
        byteCount = parts.reduce(data.count) { $0 + $1.byteCount }
        metadata = parts.first?.metadata ?? [:]
        names = files.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether a file's name is that of one of several.
    public static func isPart(_ name: String) -> Bool {
        name.firstMatch(of: /-[0-9]{5}-of-[0-9]{5}\.safetensors$/) != nil
    }

    public func entry(_ name: String) -> StoredTensor? { files[name]?.entry(name) }

    public func tensor(_ name: String) throws -> Tensor? { try files[name]?.tensor(name) }

    /// Writes tensors in their order, the index last: until it is there, the old one stands.
    ///
    /// - Parameters:
    ///   - path: the index's, ending in ``suffix``.
    ///   - limit: bytes of tensors in a file; a tensor that is larger has a file of its own.
    /// - Throws: ``TensorFileError`` `.cannotWrite`.
    public static func write(
        _ tensors: [TensorSource], metadata: [String: String] = [:], to path: String, limit: Int
    ) throws {
        guard path.hasSuffix(suffix) else {
            throw TensorFileError(.cannotWrite, path: path, reason: "its name must end in '\(suffix)'")
        }
        var parts: [[TensorSource]] = []
        var room = 0
        var total = 0
        for tensor in tensors {
            let size = tensor.shape.reduce(tensor.dtype.byteCount, *)
            total += size
            if parts.isEmpty || size > room {
                parts.append([])
                room = limit
            }
            parts[parts.count - 1].append(tensor)
            room -= size
        }
        let stem = String(path.dropLast(suffix.count))
        var map: [String: String] = [:]
        for (number, part) in parts.enumerated() {
            let file = stem + String(format: "-%05d-of-%05d.safetensors", number + 1, parts.count)
            try SafetensorsWriter.write(part, metadata: metadata, to: file)
            for tensor in part { map[tensor.name] = (file as NSString).lastPathComponent }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let index = try encoder.encode(Index(metadata: .init(totalSize: total), files: map))
        let file = try AtomicFile(path: path)
        try index.withUnsafeBytes { try file.write($0) }
        try file.commit()
    }
}

/// A file, or several with an index, that holds a model's weights and what is said about them.
public protocol WeightsFile: TensorFile {
    /// The free text kept with the tensors.
    var metadata: [String: String] { get }
    /// Every file that it consists of.
    var paths: [String] { get }
    /// Of all these files.
    var byteCount: Int { get }
}

extension SafetensorsFile: WeightsFile {
    public var paths: [String] { [path] }
}

/// Opens a safetensors file, or by the name of an index the several that it stands for.
public func openWeights(_ path: String) throws(TensorFileError) -> any WeightsFile {
    path.hasSuffix(SafetensorsShards.suffix)
        ? try SafetensorsShards(path: path) : try SafetensorsFile(path: path)
}
