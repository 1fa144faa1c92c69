import Foundation

/// Why an image could not be read, written or made.
///
/// `description` is one sentence that names the file, fit to be shown as it is.
public struct ImageFileError: Error, Equatable, Sendable {
    /// The kinds of failure a caller may want to tell apart.
    public enum Kind: String, Sendable {
        /// There is no file at the path.
        case notFound
        /// The path is a folder.
        case notAFile
        /// The file is there but the system refuses to read it.
        case unreadable
        /// Neither PNG nor JPEG, by content.
        case notAnImage
        /// A variety of PNG or JPEG that is not handled, or a picture above a limit.
        case unsupported
        /// A PNG or JPEG file that is cut short or damaged.
        case corrupt
        /// The system refuses to create or replace the file.
        case cannotWrite
        /// Reading or writing failed half-way, for instance because the disk is full.
        case ioError
        /// A size, a number of channels, a quality … outside its range.
        case invalidArgument
    }

    public let kind: Kind
    /// The file, as the caller named it; empty when no file is involved.
    public let path: String
    /// What went wrong, without the file's name.
    public let reason: String

    public init(_ kind: Kind, path: String = "", reason: String) {
        self.kind = kind
        self.path = path
        self.reason = reason
    }
}

extension ImageFileError: CustomStringConvertible, LocalizedError {
    public var description: String {
        let sentence =
            switch kind {
            case .notFound: "there is no file '\(path)'"
            case .notAFile: "'\(path)' is a folder, not a file"
            case .unreadable: "cannot read '\(path)': \(reason)"
            case .notAnImage, .unsupported: "cannot read '\(path)': \(reason)"
            case .corrupt: "'\(path)' is damaged: \(reason)"
            case .cannotWrite: "cannot write '\(path)': \(reason)"
            case .ioError: "'\(path)': \(reason)"
            case .invalidArgument: path.isEmpty ? reason : "'\(path)': \(reason)"
            }
        return sentence
    }

    public var errorDescription: String? { description }
}

extension ImageFileError {
    static func invalidArgument(_ reason: String) -> ImageFileError {
        ImageFileError(.invalidArgument, reason: reason)
    }

    /// The same failure, told about a file.
    func naming(_ path: String) -> ImageFileError {
        ImageFileError(kind, path: path, reason: reason)
    }
}
