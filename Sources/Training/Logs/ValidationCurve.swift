import Foundation
import Tensors

/// `validation.csv` of a run: quality against training, a row a validation, that reads as one run however
/// often the run was resumed.
struct ValidationCurve {
    private let path: String
    /// The heads of the columns, then the rows.
    private var lines: [String]

    /// - Parameter step: nil to begin anew. Else rows of later steps are dropped, as a log's lines are.
    /// - Throws: `TensorFileError` `.cannotWrite`; the old file stays then.
    init(folder: String, resuming step: Int?) throws {
        path = "\(folder)/validation.csv"
        let data = FileManager.default.contents(atPath: path)
        let found = String(decoding: data ?? Data(), as: UTF8.self).split(separator: "\n").map(String.init)
        let rows = found.dropFirst().filter { row in
            guard let step, let own = Self.step(of: row) else { return false }
            return own <= step
        }
        lines = rows.isEmpty ? [] : found.prefix(1) + rows
        guard data != nil, lines != found else { return }
        if lines.isEmpty {
            try? FileManager.default.removeItem(atPath: path)
        } else {
            try write()
        }
    }

    /// Of the last row; nil where there is none.
    var lastStep: Int? { lines.last.flatMap(Self.step) }

    /// Adds a row.
    ///
    /// - Parameter values: by column, the first of them `step`; the columns are the same for all rows.
    /// - Throws: `TensorFileError` `.cannotWrite`; the old file stays then.
    mutating func append(_ values: [(name: String, value: String)]) throws {
        if lines.isEmpty { lines = [values.map(\.name).joined(separator: ",")] }
        lines.append(values.map(\.value).joined(separator: ","))
        try write()
    }

    private func write() throws {
        try AtomicFile.write(Data((lines.joined(separator: "\n") + "\n").utf8), to: path)
    }

    private static func step(of row: String) -> Int? { Int(row.prefix { $0 != "," }) }
}
