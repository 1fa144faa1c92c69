import Foundation

/// A file that appears under its name only once it is complete.
///
/// The bytes go to a hidden file in the same folder; ``commit()`` flushes it to disk and
/// renames it. If it is let go without that, the hidden file is removed and whatever lay at
/// the path is untouched. (A killed process can leave a `.restore-….partial` behind.)
package final class AtomicFile {
    private let path: String
    private let folder: String
    private let temporaryPath: String
    private let descriptor: Int32
    private var isOpen = true
    private var isCommitted = false

    init(path: String) throws(TensorFileError) {
        func failure(_ reason: String) -> TensorFileError {
            TensorFileError(.cannotWrite, path: path, reason: reason)
        }
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw failure("that is not the name of a file")
        }
        var status = stat()
        guard path.utf8.last != UInt8(ascii: "/"),
            !(stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR)
        else {
            throw failure("it is a folder")
        }
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "./"
        let temporaryPath =
            folder + ".restore-" + String(UInt64.random(in: .min ... .max), radix: 16) + ".partial"
        let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            let code = errno
            throw failure(
                code == ENOENT || code == ENOTDIR ? "there is no such folder" : systemReason(code))
        }
        self.path = path
        self.folder = folder
        self.temporaryPath = temporaryPath
        self.descriptor = descriptor
    }

    deinit {
        if isOpen { close(descriptor) }
        if !isCommitted { unlink(temporaryPath) }
    }

    /// A whole file at once.
    package static func write(_ data: Data, to path: String) throws {
        let file = try AtomicFile(path: path)
        try data.withUnsafeBytes { try file.write($0) }
        try file.commit()
    }

    /// Adds bytes to the end.
    func write(_ bytes: UnsafeRawBufferPointer) throws(TensorFileError) {
        guard let start = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let written = Foundation.write(
                descriptor, start + done, min(bytes.count - done, 1 << 30))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure(errno) }
            done += written
        }
    }

    /// Flushes the file to disk and puts it in place of whatever lay at the path.
    func commit() throws(TensorFileError) {
        // Some file systems cannot flush and say EINVAL; there is nothing more to be done there.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(errno) }
        isOpen = false
        guard close(descriptor) == 0 else { throw failure(errno) }
        guard rename(temporaryPath, path) == 0 else { throw failure(errno) }
        isCommitted = true
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            _ = fsync(directory)
            close(directory)
        }
    }

    private func failure(_ code: Int32) -> TensorFileError {
        TensorFileError(.cannotWrite, path: path, reason: systemReason(code))
    }
}
