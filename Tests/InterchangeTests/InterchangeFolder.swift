import Foundation

/// A folder that goes away with its owner.
final class InterchangeFolder {
    let path = FileManager.default.temporaryDirectory
        .appendingPathComponent("InterchangeTests-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}
