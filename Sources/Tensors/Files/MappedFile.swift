import Foundation

/// The bytes of an ordinary file, mapped read-only; unmapped when the last user lets go.
///
/// A file that another program cuts short while it is mapped makes the system end the
/// process when the missing part is touched (SIGBUS); replace such files by renaming.
final class MappedFile: @unchecked Sendable {
    /// The whole file; empty for an empty one.
    let bytes: UnsafeRawBufferPointer

    /// - Throws: `.notFound` or `.unreadable`.
    init(path: String) throws(FileDefect) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw FileDefect(kind: .notFound, reason: "that is not the name of a file")
        }
        // Not to wait for a writer, should the path be that of a pipe.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            if code == ENOENT || code == ENOTDIR {
                throw FileDefect(kind: .notFound, reason: "there is no such file")
            }
            throw FileDefect(kind: .unreadable, reason: systemReason(code))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileDefect(kind: .unreadable, reason: systemReason(errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let what =
                status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is not an ordinary file"
            throw FileDefect(kind: .unreadable, reason: what)
        }
        let size = Int(status.st_size)
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
            start != MAP_FAILED
        else {
            throw FileDefect(kind: .unreadable, reason: systemReason(errno))
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    deinit {
        if let start = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}

/// The system's words for an error number, fit for the middle of a sentence.
func systemReason(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "system error \(code)" }
    let words = String(cString: text)
    return words.prefix(1).lowercased() + words.dropFirst()
}
