import Crypto
import Foundation

/// Compares a user's copy of a data set with its manifest.
public enum DatasetCheck {
    /// What was found for one part of the layout.
    public struct Finding: Sendable {
        public let role: String
        public let path: String
        public let isSound: Bool
        public let finding: String
    }

    public static func run(_ set: DatasetManifest, roots: [String]) throws -> [Finding] {
        try set.layout.map { part in
            for root in roots {
                let files = DatasetManifest.files(matching: part.path, under: [root])
                if files.isEmpty { continue }
                guard files.count == part.count else {
                    return Finding(
                        role: part.role, path: part.path, isSound: false,
                        finding: "\(files.count) files, expected \(part.count)")
                }
                if let bytes = part.bytes, try size(files) != bytes {
                    return Finding(
                        role: part.role, path: part.path, isSound: false,
                        finding: "\(try size(files)) bytes, expected \(bytes)")
                }
                guard let expected = part.sha256 else {
                    return Finding(
                        role: part.role, path: part.path, isSound: true,
                        finding: "\(files.count) files; the manifest has no checksum")
                }
                let sound = try digest(files, root: root) == expected
                return Finding(
                    role: part.role, path: part.path, isSound: sound,
                    finding: sound ? "\(files.count) files, checksum agrees" : "the checksum differs")
            }
            return Finding(role: part.role, path: part.path, isSound: false, finding: "no files")
        }
    }

    /// Bytes of all files together.
    private static func size(_ files: [String]) throws -> Int {
        try files.reduce(0) { sum, path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard let bytes = attributes?[.size] as? Int else { throw DataError("'\(path)' cannot be read") }
            return sum + bytes
        }
    }

    /// SHA-256 over the sorted lines "DIGEST  RELATIVE/PATH\n" of the files.
    static func digest(_ files: [String], root: String) throws -> String {
        let lines = try files.map { path -> String in
            let relative = path.dropFirst(root.count).drop { $0 == "/" }
            return "\(try FileDigest.sha256([path]))  \(relative)\n"
        }
        // Bytes, not the locale's order, decide.
        let sorted = lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return FileDigest.hex(SHA256.hash(data: Data(sorted.joined().utf8)))
    }
}
