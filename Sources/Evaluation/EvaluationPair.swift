import Foundation
import ImageFiles
import Training

/// What a model is measured at: which pictures go in, and which should come out.
public enum EvaluatedTask: String, Sendable, Codable {
    case superResolution = "sr"
    case deblurring = "deblur"

    /// Roles of a manifest, and names of folders, that hold the inputs.
    var inputRoles: [String] { self == .superResolution ? ["lr", "lr_x4"] : ["blur", "blurred"] }
    /// The same for the originals.
    var originalRoles: [String] { self == .superResolution ? ["hr"] : ["sharp"] }
}

/// The files of one picture of a set.
public struct EvaluationPair: Sendable, Equatable {
    public let name: String
    /// What the model is given.
    public let input: String
    /// What should come out.
    public let original: String

    public init(name: String, input: String, original: String) {
        self.name = name
        self.input = input
        self.original = original
    }

    /// The pairs of a set that a manifest describes.
    public static func pairs(of manifest: DatasetManifest, for task: EvaluatedTask, roots: [String]) throws
        -> [EvaluationPair]
    {
        func files(_ roles: [String]) throws -> [String] {
            let known = roles.first { role in manifest.layout.contains { $0.role == role } } ?? roles[0]
            return try manifest.files(role: known, under: roots)
        }
        return try pairs(inputs: files(task.inputRoles), originals: files(task.originalRoles), manifest.name)
    }

    /// The pairs of a folder that holds `hr` and `lr` (or `lr_x4`), or `sharp` and `blur` (or
    /// `blurred`).
    public static func pairs(in folder: String, for task: EvaluatedTask) throws -> [EvaluationPair] {
        func part(_ names: [String]) throws -> String {
            guard FileManager.default.fileExists(atPath: folder) else {
                throw DataError("the data folder '\(folder)' does not exist")
            }
            let found = names.map { "\(folder)/\($0)" }.first { FileManager.default.fileExists(atPath: $0) }
            guard let found else {
                throw DataError("the folder '\(folder)' has no folder '\(names.joined(separator: "' or '"))'")
            }
            return found
        }
        return try pairs(inputs: part(task.inputRoles), originals: part(task.originalRoles))
    }

    /// The pairs of two folders.
    public static func pairs(inputs: String, originals: String) throws -> [EvaluationPair] {
        func pictures(_ folder: String) throws -> [String] {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
                throw DataError("the folder '\(folder)' cannot be read")
            }
            let found = names.filter { ImageFormat(path: $0) != nil }.sorted().map { "\(folder)/\($0)" }
            guard !found.isEmpty else { throw DataError("there is no PNG or JPEG file in '\(folder)'") }
            return found
        }
        return try pairs(
            inputs: pictures(inputs), originals: pictures(originals), "\(inputs) and \(originals)")
    }

    /// Each input goes with the original of its own name, or of the name before its first `_` (as
    /// the captures of one picture are named), or else of its place in lists of equal length.
    private static func pairs(inputs: [String], originals: [String], _ source: String) throws
        -> [EvaluationPair]
    {
        func stem(_ path: String) -> String {
            ((path as NSString).lastPathComponent as NSString).deletingPathExtension
        }
        let byName = Dictionary(originals.map { (stem($0), $0) }, uniquingKeysWith: { first, _ in first })
        return try inputs.enumerated().map { index, path in
            let own = stem(path)
            let other =
                byName[own] ?? byName[String(own.prefix { $0 != "_" })]
                ?? (inputs.count == originals.count ? originals[index] : nil)
            guard let other else { throw DataError("'\(path)' of \(source) has no original of its name") }
            return EvaluationPair(name: own, input: path, original: other)
        }
    }
}
