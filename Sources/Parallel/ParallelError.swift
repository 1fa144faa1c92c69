/// Why ranks cannot work together, in one sentence.
public struct ParallelError: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// A failure that every rank knows of: all of them throw it, and one tells it.
public struct SharedFailure: Error, CustomStringConvertible {
    /// This rank's own error where it is the one that is told, else a ``RankFailure``.
    public let cause: any Error
    public init(cause: any Error) { self.cause = cause }
    public var description: String { "\(cause)" }
}

/// What failed on another rank.
public struct RankFailure: Error, CustomStringConvertible, Sendable {
    public let rank: Int
    public let host: String
    public let reason: String
    public var description: String { "rank \(rank) (\(host)): \(reason)" }
}
