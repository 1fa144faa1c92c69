import Foundation
import Yams

/// One public data set as described by a file in Datasets/: what it is and how a user's copy
/// is laid out. Datasets/README.md documents every field.
public struct DatasetManifest: Sendable, Codable {
    public struct Part: Sendable, Codable {
        public var role: String
        /// A glob relative to the data root; `*` matches within a folder.
        public var path: String
        public var count: Int
        public var bytes: Int?
        /// Digest over all files of the part; the rule is in Datasets/README.md.
        public var sha256: String?
    }

    public var name: String
    public var title: String
    public var description: String
    public var use: String
    public var licence: String
    public var licenceNote: String?
    public var homepage: String?
    public var neverTrain: Bool?
    public var layout: [Part]

    /// Reads the manifest of a name from the first folder that has it.
    public init(named name: String, in folders: [String]) throws {
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }) else {
            throw DataError("'\(name)' is not the name of a data set")
        }
        let path = folders.map { "\($0)/\(name).yaml" }.first { FileManager.default.fileExists(atPath: $0) }
        guard let path, let data = FileManager.default.contents(atPath: path) else {
            let known = Self.names(in: folders)
            throw DataError("there is no data set '\(name)'; known are \(known.joined(separator: ", "))")
        }
        do {
            self = try YAMLDecoder().decode(DatasetManifest.self, from: String(decoding: data, as: UTF8.self))
        } catch {
            throw DataError("the manifest '\(path)' cannot be read")
        }
    }

    /// Names of all manifests in the folders.
    public static func names(in folders: [String]) -> [String] {
        Set(
            folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
                .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
        ).sorted()
    }

    /// Files of all parts of a role, sorted by name.
    ///
    /// - Throws: ``DataError`` where there are none.
    public func files(role: String, under roots: [String]) throws -> [String] {
        let found = layout.filter { $0.role == role }.flatMap { Self.files(matching: $0.path, under: roots) }
        guard !found.isEmpty else {
            throw DataError(
                "the data set '\(name)' has no \(role) pictures under \(roots.joined(separator: ", "))")
        }
        return found
    }

    /// Files of a part under the first root that has any, sorted by name.
    public static func files(matching glob: String, under roots: [String]) -> [String] {
        for root in roots {
            let found = expand(glob.split(separator: "/").map(String.init), from: root)
            if !found.isEmpty { return found.sorted() }
        }
        return []
    }

    private static func expand(_ parts: [String], from folder: String) -> [String] {
        guard let first = parts.first else { return [] }
        let names: [String]
        if first.contains("*") || first.contains("?") {
            names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
                fnmatch(first, $0, 0) == 0
            }
        } else {
            names = [first]
        }
        let paths = names.map { "\(folder)/\($0)" }
        if parts.count > 1 { return paths.flatMap { expand(Array(parts.dropFirst()), from: $0) } }
        return paths.filter { FileManager.default.fileExists(atPath: $0) }
    }
}

/// The pictures a recipe trains on.
public enum TrainingFiles {
    /// Paths of the named sets' training pictures, or of every PNG and JPEG when no set is named.
    ///
    /// - Throws: ``DataError`` naming the set that is missing or must never be trained on.
    public static func paths(sets: [String], roots: [String], manifests: [String]) throws -> [String] {
        for root in roots {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder), isFolder.boolValue
            else {
                throw DataError("the data folder '\(root)' does not exist")
            }
        }
        if sets.isEmpty {
            let found = roots.flatMap(pictures)
            guard !found.isEmpty else {
                throw DataError(
                    "there is no PNG or JPEG file under \(roots.map { "'\($0)'" }.joined(separator: ", "))")
            }
            return found.sorted()
        }
        return try sets.flatMap { name -> [String] in
            let manifest = try DatasetManifest(named: name, in: manifests)
            guard manifest.neverTrain != true else {
                throw DataError("the data set '\(name)' must never be trained on")
            }
            let parts = manifest.layout.filter { ["train", "hr", "sharp"].contains($0.role) }
            let files = parts.flatMap { DatasetManifest.files(matching: $0.path, under: roots) }
            guard !files.isEmpty else {
                let expected = parts.map(\.path).joined(separator: ", ")
                throw DataError(
                    "the data set '\(name)' is not under \(roots.map { "'\($0)'" }.joined(separator: ", ")): expected \(expected)"
                )
            }
            return files
        }
    }

    private static func pictures(under root: String) -> [String] {
        guard let walker = FileManager.default.enumerator(atPath: root) else { return [] }
        return walker.compactMap { $0 as? String }.filter {
            ["png", "jpg", "jpeg"].contains(($0 as NSString).pathExtension.lowercased())
        }.map { "\(root)/\($0)" }
    }
}
