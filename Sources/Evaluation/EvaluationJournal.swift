import Crypto
import Foundation
import Training

/// Finished measurements in a file, a line each, so that a run that was stopped goes on where it
/// was, whatever stopped it.
///
/// The first line says what was measured by: a file of another model, seed or protocol is begun
/// anew. A line that was only half written is dropped.
public final class EvaluationJournal {
    /// One output of one picture: the metrics in the evaluator's order, and the seconds it took.
    struct Entry: Codable, Equatable {
        var samples: Int?
        var values: [Double]
        var seconds: Double
        /// Of the output and its original, for distances of sets.
        var features: PictureFeatures?
    }

    private struct Line: Codable {
        var key: String
        var entries: [Entry]
    }

    private struct Head: Codable, Equatable {
        var format = "restore-measurements"
        var identity: String
    }

    /// nil keeps measurements in memory only.
    public let path: String?
    /// Lines found in the file.
    public private(set) var resumedCount = 0
    private var known: [String: [Entry]] = [:]
    private var file: FileHandle?

    /// Opens or begins a journal.
    ///
    /// - Parameter identity: all that decides a measurement besides picture and method.
    /// - Throws: ``DataError`` when the file cannot be read or written.
    public init(path: String?, identity: [String: String]) throws {
        self.path = path
        guard let path else { return }
        let head = Head(identity: Self.digest(identity.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }))
        var kept = Data()
        if let data = FileManager.default.contents(atPath: path), let end = data.lastIndex(of: 0x0A) {
            // All but a last line without its end.
            let lines = data[...end].split(separator: 0x0A)
            if let first = lines.first, (try? Self.decoder.decode(Head.self, from: first)) == head {
                for line in lines.dropFirst() {
                    guard let line = try? Self.decoder.decode(Line.self, from: line) else { continue }
                    known[line.key] = line.entries
                }
                resumedCount = known.count
                kept = data[...end]
            }
        }
        if kept.isEmpty { kept = try Self.encoder.encode(head) + [0x0A] }
        do {
            try kept.write(to: URL(fileURLWithPath: path), options: .atomic)
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.seekToEnd()
            self.file = file
        } catch {
            throw DataError("the journal '\(path)' cannot be written")
        }
    }

    subscript(key: String) -> [Entry]? { known[key] }

    func append(_ entries: [Entry], for key: String) throws {
        known[key] = entries
        guard let file, let path else { return }
        do {
            try file.write(contentsOf: Self.encoder.encode(Line(key: key, entries: entries)) + [0x0A])
        } catch {
            throw DataError("the journal '\(path)' cannot be written: the disk may be full")
        }
    }

    /// Removes the file of a run that is complete.
    public func remove() {
        try? file?.close()
        file = nil
        if let path { try? FileManager.default.removeItem(atPath: path) }
    }

    static func digest(_ parts: [String]) -> String {
        FileDigest.hex(SHA256.hash(data: Data(parts.joined(separator: "\n").utf8)))
    }

    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }()

    private static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }()
}
