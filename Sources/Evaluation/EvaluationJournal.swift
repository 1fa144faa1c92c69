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

    /// This rank's; nil keeps measurements in memory only.
    public let path: String?
    /// The first rank's.
    private let shared: String?
    /// Lines found in the file.
    public private(set) var resumedCount = 0
    private var known: [String: [Entry]] = [:]
    private var file: FileHandle?
    /// What this rank's file held from the start, the head included.
    private var kept = Data()
    /// Keys of what was measured or found since, by any rank, in the order in which one alone goes through them.
    private var visited: [String] = []

    /// Opens or begins a journal.
    ///
    /// - Parameters:
    ///   - identity: all that decides a measurement besides picture and method.
    ///   - rank: of several that measure together: each but the first writes a file of its own, and all
    ///     read the files of all, also those of an earlier run with another number of ranks.
    /// - Throws: ``DataError`` when the file cannot be read or written.
    public init(path: String?, identity: [String: String], rank: Int = 0) throws {
        shared = path
        guard let shared else {
            self.path = nil
            return
        }
        let path = rank == 0 ? shared : "\(shared)\(Self.rankSuffix)\(rank)"
        self.path = path
        let head = Head(identity: Self.digest(identity.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }))
        for file in Set([path, shared] + Self.others(of: shared)).sorted() {
            guard let data = read(file, of: head) else { continue }
            if file == path { kept = data }
        }
        resumedCount = known.count
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

    private static let rankSuffix = ".rank"

    /// The files of other ranks beside the first one's.
    private static func others(of path: String) -> [String] {
        let folder = path.folderOfPath
        let start = (path as NSString).lastPathComponent + rankSuffix
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)
        return (names ?? []).filter { $0.hasPrefix(start) && Int($0.dropFirst(start.count)) != nil }
            .map { (folder as NSString).appendingPathComponent($0) }
    }

    /// Learns what a file holds; nil where it is none of this journal's.
    private func read(_ file: String, of head: Head) -> Data? {
        // All but a last line without its end.
        guard let data = FileManager.default.contents(atPath: file), let end = data.lastIndex(of: 0x0A)
        else { return nil }
        let lines = data[...end].split(separator: 0x0A)
        guard let first = lines.first, (try? Self.decoder.decode(Head.self, from: first)) == head else {
            return nil
        }
        for line in lines.dropFirst() {
            guard let line = try? Self.decoder.decode(Line.self, from: line) else { continue }
            known[line.key] = line.entries
        }
        return data[...end]
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

    /// Takes note of what a rank has of a picture, this one included. Called in the order in which one rank
    /// alone goes through pictures and methods.
    func learn(_ entries: [Entry], for key: String) {
        visited.append(key)
        let old = known[key] ?? []
        let new = entries.filter { entry in !old.contains { $0.samples == entry.samples } }
        if !new.isEmpty { known[key] = old + new }
    }

    /// Puts what is known of all ranks into the first one's file, as one alone would have written it, and
    /// removes the files of the others. Called on the first rank, and on the others after that.
    ///
    /// - Throws: ``DataError`` when the file cannot be written; all files stay then.
    public func unite() throws {
        guard let shared, let path else { return }
        try? file?.close()
        file = nil
        guard path == shared else {
            try? FileManager.default.removeItem(atPath: path)
            return
        }
        var written = Set(kept.split(separator: 0x0A))
        var whole = kept
        do {
            // What files of other ranks knew of other pictures and methods comes last.
            for key in visited + Set(known.keys).subtracting(visited).sorted() {
                let line = try Self.encoder.encode(Line(key: key, entries: known[key] ?? []))
                if written.insert(line).inserted { whole += line + [0x0A] }
            }
            try whole.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw DataError("the journal '\(path)' cannot be written")
        }
        for file in Self.others(of: shared) { try? FileManager.default.removeItem(atPath: file) }
    }

    /// Removes the files of a run that is complete, those of all ranks.
    public func remove() {
        try? file?.close()
        file = nil
        guard let shared else { return }
        for file in [shared] + Self.others(of: shared) { try? FileManager.default.removeItem(atPath: file) }
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
