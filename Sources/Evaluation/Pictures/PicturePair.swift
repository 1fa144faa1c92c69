import Foundation
import ImageFiles
import Training

/// A picture to be measured, and what it is measured against.
public struct PicturePair: Sendable, Equatable {
    /// The output's file name without its extension.
    public let name: String
    public let output: String
    /// Nil where there is nothing to compare with.
    public let reference: String?

    public init(output: String, reference: String? = nil) {
        name = Self.stem(output)
        self.output = output
        self.reference = reference
    }

    /// The PNG and JPEG files of a folder, by name.
    ///
    /// - Throws: ``DataError`` where it cannot be read or has none.
    public static func pictures(in folder: String) throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw DataError("the folder '\(folder)' cannot be read")
        }
        let found = names.filter { ImageFormat(path: $0) != nil }.sorted().map { "\(folder)/\($0)" }
        guard !found.isEmpty else { throw DataError("there is no PNG or JPEG file in '\(folder)'") }
        return found
    }

    /// The pictures of two folders, paired by file name; the extensions may differ.
    ///
    /// - Throws: ``DataError`` naming a picture that has no partner, or two of one name.
    public static func pairs(outputs: String, references: String) throws -> [PicturePair] {
        let (first, second) = try (byName(outputs), byName(references))
        for (own, other, folder) in [(first, second, references), (second, first, outputs)] {
            if let lone = own.filter({ other[$0.key] == nil }).values.min() {
                throw DataError("'\(lone)' has no partner of its name in '\(folder)'")
            }
        }
        return first.sorted { $0.key < $1.key }.map { PicturePair(output: $1, reference: second[$0]) }
    }

    private static func byName(_ folder: String) throws -> [String: String] {
        var found: [String: String] = [:]
        for path in try pictures(in: folder) {
            if let other = found.updateValue(path, forKey: stem(path)) {
                throw DataError("'\(other)' and '\(path)' have the same name: a pair would be a guess")
            }
        }
        return found
    }

    private static func stem(_ path: String) -> String {
        ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    }
}
