import Foundation

/// Why a file of tensors could not be read or written, in one sentence that names the file.
public struct TensorFileError: Error, CustomStringConvertible, LocalizedError, Sendable {
    /// The sort of trouble, for code that has to tell one from another.
    public enum Kind: String, Sendable, CaseIterable {
        /// No file lies at the path.
        case notFound
        /// The system would not let the file be read, or it is not an ordinary file.
        case unreadable
        /// The file breaks the rules of its format, or is damaged or cut short.
        case malformed
        /// The file keeps to its format, but uses a part of it that this reader refuses.
        case unsupported
        /// A sound file has no tensor of the name that was asked for.
        case missingTensor
        /// The file could not be written; nothing has been left behind.
        case cannotWrite
    }

    /// The sort of trouble.
    public let kind: Kind

    /// The path as the caller gave it.
    public let path: String

    /// One sentence naming the file and, where there is one, the tensor.
    public let message: String

    public var description: String { message }
    public var errorDescription: String? { message }

    /// - Parameter reason: what is wrong, without capital or full stop.
    init(_ kind: Kind, path: String, reason: String) {
        self.kind = kind
        self.path = path
        let verb = kind == .cannotWrite ? "write" : "read"
        message = "Cannot \(verb) \(quoted(path, limit: 4096)): \(reason)."
    }

    /// A sound file that a user of its tensors refuses.
    ///
    /// - Parameter reason: why, without capital or full stop.
    public init(unsupported path: String, reason: String) {
        self.init(.unsupported, path: path, reason: reason)
    }

    init(_ defect: FileDefect, path: String) {
        self.init(defect.kind, path: path, reason: defect.reason)
    }
}
