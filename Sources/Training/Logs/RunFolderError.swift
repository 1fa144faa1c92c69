import Foundation

/// Why a run cannot use its folder.
public struct RunFolderError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable {
        case cannotWrite
        /// By another run.
        case inUse
    }
    public let kind: Kind
    public let description: String

    static func cannotWrite(_ path: String, _ code: Int32) -> RunFolderError {
        RunFolderError(
            kind: .cannotWrite, description: "'\(path)' cannot be written: \(String(cString: strerror(code)))"
        )
    }
}
