import Foundation

/// Measurements of one kind: what is measured, and how it is printed.
public struct EvaluationTable: Sendable {
    public struct Column: Sendable {
        /// In the CSV file.
        let name: String
        /// In the printed table.
        let title: String
        /// Digits after the point in the file and in the table.
        let digits: (csv: Int, table: Int)
    }

    /// What was measured on one picture, or the mean over a set.
    public struct Row: Sendable {
        public var set: String
        public var picture: String
        public var method: String
        /// One number for each column.
        public var values: [Double]
    }

    public let columns: [Column]

    /// First line of the CSV file.
    public var header: String { (["set", "picture", "method"] + columns.map(\.name)).joined(separator: ",") }

    /// Head of the printed table.
    public var tableHead: String {
        let titles = ["set", "method"] + columns.map(\.title)
        return "| \(titles.joined(separator: " | ")) |\n|\(String(repeating: "---|", count: titles.count))"
    }

    /// A row as a line of the CSV file.
    public func line(_ row: Row) -> String {
        ([row.set, row.picture, row.method] + numbers(row) { $0.csv }).joined(separator: ",")
    }

    /// A row as a line of the printed table.
    public func tableLine(_ row: Row) -> String {
        "| \(([row.set, row.method] + numbers(row) { $0.table }).joined(separator: " | ")) |"
    }

    private func numbers(_ row: Row, _ digits: ((csv: Int, table: Int)) -> Int) -> [String] {
        zip(columns, row.values).map { String(format: "%.\(digits($0.digits))f", $1) }
    }

    /// The mean of the rows of one set and method; nil for none.
    public static func mean(of rows: [Row]) -> Row? {
        guard let first = rows.first else { return nil }
        return Row(
            set: first.set, picture: "mean", method: first.method,
            values: first.values.indices.map { column in
                rows.reduce(0) { $0 + $1.values[column] } / Double(rows.count)
            })
    }
}
