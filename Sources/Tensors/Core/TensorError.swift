import CTorch

/// What libtorch said when an operation failed, with the operation and the shapes it was given.
public struct TensorError: Error, CustomStringConvertible, Sendable {
    public let operation: String
    public let shapes: [[Int]]
    public let reason: String

    public var description: String {
        let given = shapes.isEmpty ? "" : " on shapes " + shapes.map { "\($0)" }.joined(separator: ", ")
        return "\(operation)\(given): \(reason)"
    }

    public init(operation: String, shapes: [[Int]] = [], reason: String) {
        self.operation = operation
        self.shapes = shapes
        self.reason = reason
    }

    /// The failure this thread met last.
    static func last(_ operation: String, _ shapes: [[Int]]) -> TensorError {
        let message = String(cString: ct_last_error())
        let firstLine = message.split(separator: "\n").first.map(String.init) ?? "unknown reason"
        return TensorError(operation: operation, shapes: shapes, reason: firstLine)
    }
}
