import Foundation

/// A run's claim to its folder, for as long as the object lives. The kernel gives it up for a
/// process that is killed.
public final class RunLock {
    private let descriptor: Int32

    /// The file whose lock is taken. It stays when the run ends: who removed it could remove another's.
    public static func path(in folder: String) -> String { "\(folder)/run.lock" }

    /// - Parameter folder: it must be there.
    /// - Throws: ``RunFolderError`` `.inUse` when another run has the folder, `.cannotWrite`.
    public init(folder: String) throws {
        let path = Self.path(in: folder)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw RunFolderError.cannotWrite(path, errno) }
        // A file system without locks cannot tell of another run; that is no reason not to train.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            let error = Self.inUse(folder, descriptor)
            close(descriptor)
            throw error
        }
        // For people who look; the lock is what counts.
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    /// Refuses a folder that another run has, before anything is read or written.
    ///
    /// - Throws: ``RunFolderError`` `.inUse`.
    public static func requireFree(_ folder: String) throws {
        let descriptor = open(path(in: folder), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            throw inUse(folder, descriptor)
        }
    }

    private static func inUse(_ folder: String, _ descriptor: Int32) -> RunFolderError {
        RunFolderError(
            kind: .inUse,
            description: "'\(folder)' is in use by another run"
                + (owner(descriptor).map { " (process \($0))" } ?? "")
                + ": wait for its end, or choose another --output")
    }

    deinit { close(descriptor) }

    private static func owner(_ descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count], as: UTF8.self).filter { !$0.isNewline })
    }
}
