import Foundation

/// A file of JSON objects, one a line, that reads as one run however often the run was resumed.
final class LineLog {
    private let file: AppendedFile

    /// - Parameter step: nil to begin anew. Else lines of later steps are cut off: a checkpoint is
    ///   older than the log, and what was logged since is done again.
    /// - Throws: ``RunFolderError``
    init(path: String, resuming step: Int?) throws {
        let kept = step.map { Self.kept(FileManager.default.contents(atPath: path) ?? Data(), upTo: $0) }
        file = try AppendedFile(path: path, keeping: kept ?? 0)
    }

    func append(_ object: JSONText) throws { try file.append(Array((object.line + "\n").utf8)) }
    func flush() throws { try file.flush() }
    func close() { file.close() }

    /// How many bytes stay. What follows the last line break was torn by a kill.
    private static func kept(_ data: Data, upTo step: Int) -> Int {
        let newline = UInt8(ascii: "\n")
        var end = data.lastIndex(of: newline).map { $0 + 1 } ?? 0
        // Steps rise along the file, so that only its end has to be read.
        while end > 0 {
            let start = data[..<(end - 1)].lastIndex(of: newline).map { $0 + 1 } ?? 0
            if let found = Self.step(of: data[start..<end]), found <= step { break }
            end = start
        }
        return end
    }

    private static func step(of line: Data) -> Int? {
        ((try? JSONSerialization.jsonObject(with: line)) as? [String: Any])?["step"] as? Int
    }
}
