import Foundation

/// A folder for one test's files, removed with the last reference to it.
final class TestFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "restore-training-\(UUID().uuidString)"
            )
            .path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file, its folder made if missing.
    func file(_ name: String) throws -> String {
        let full = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (full as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        return full
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let full = try file(name)
        try text.write(toFile: full, atomically: true, encoding: .utf8)
        return full
    }
}

/// Folders of the package itself.
enum Package {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    static let recipes = "\(root)/Recipes"
    static let datasets = "\(root)/Datasets"

    /// Paths of all YAML files in a folder.
    static func yamlFiles(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }.sorted()
            .map { "\(folder)/\($0)" }
    }
}
