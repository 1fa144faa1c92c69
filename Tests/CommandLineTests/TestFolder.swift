import Foundation
import ImageFiles

/// A folder that goes away with its owner.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appendingPathComponent("CommandLineTests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

    func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
    }

    func image(_ name: String) throws -> Image { try Image.read(from: file(name)) }

    func write(_ bytes: [UInt8], as name: String) throws {
        let parent = (file(name) as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    }

    func write(_ text: String, as name: String) throws { try write(Array(text.utf8), as: name) }

    /// Every name below the folder, hidden ones too, with the bytes of what is a file.
    func snapshot() throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            let kind =
                try FileManager.default.attributesOfItem(atPath: file(name))[.type] as? FileAttributeType
            found[name] = kind == .typeRegular ? try bytes(name) : Array("\(kind?.rawValue ?? "?")".utf8)
        }
        return found
    }

    var names: [String] { ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).sorted() }
}
