import Crypto
import Foundation
import Tensors

/// A file of tensors that took long to make, for the next run that would make the same: a resumed one, another rank, or another
/// trial of the same pictures.
struct TensorCache {
    private let path: String

    /// - Parameters:
    ///   - kind: what the tensors are; files of other kinds lie beside it.
    ///   - folder: is made when something is written.
    ///   - version: raised when others are made of the same description.
    ///   - description: all that they follow from.
    init(_ kind: String, in folder: String, version: Int, of description: [String]) {
        var hash = SHA256()
        for part in ["\(version)"] + description { hash.update(data: Data("\(part)\n".utf8)) }
        path = "\(folder)/\(kind)-\(FileDigest.hex(hash.finalize()).prefix(16)).safetensors"
    }

    /// A setting as a part of a description.
    static func text(of setting: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        // A dictionary has another order in each process.
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(setting), as: UTF8.self)
    }

    /// Nil where there is none, or it is damaged.
    func file() -> SafetensorsFile? { try? SafetensorsFile(path: path) }

    /// What cannot be kept is made again next time.
    func save(_ tensors: [(name: String, value: Tensor)]) {
        try? FileManager.default.createDirectory(
            atPath: path.folderOfPath, withIntermediateDirectories: true)
        try? SafetensorsWriter.write(tensors, metadata: [:], to: path)
    }
}
