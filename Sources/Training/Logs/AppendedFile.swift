import Foundation

/// A file that grows at its end. What was added is with the system when ``append(_:)`` returns, so
/// that a killed process loses none of it.
final class AppendedFile {
    let path: String
    private let descriptor: Int32
    private var isOpen = true

    /// - Parameter length: what is kept of a file that is there; nil for all.
    /// - Throws: ``RunFolderError``
    init(path: String, keeping length: Int? = nil) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw RunFolderError.cannotWrite(path, errno) }
        if let length, ftruncate(descriptor, off_t(length)) != 0 {
            let code = errno
            Foundation.close(descriptor)
            isOpen = false
            throw RunFolderError.cannotWrite(path, code)
        }
    }

    deinit { close() }

    func append(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                Foundation.write(
                    descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw RunFolderError.cannotWrite(path, errno) }
            done += written
        }
    }

    /// Waits for the disk.
    func flush() throws {
        // Some file systems cannot flush and say EINVAL; there is nothing more to be done there.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw RunFolderError.cannotWrite(path, errno) }
    }

    func close() {
        if isOpen { Foundation.close(descriptor) }
        isOpen = false
    }
}
