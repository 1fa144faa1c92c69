import Glibc

/// A file filled beside the one whose place it then takes.
///
/// Where the file system can do it, the new file has no name until it is whole and on the
/// disk, so that a program killed half-way leaves nothing behind. It must have a name of its
/// own for an instant, since only a rename puts one file in the place of another.
struct FileReplacement {
    /// O_TMPFILE, a macro Swift does not see.
    private static let withoutName = 0o20_000_000 | O_DIRECTORY

    private let path: String
    private let target: String
    private let folder: String
    private let old: stat?

    /// - Parameter old: describes the file that is there.
    init(_ path: String, old: stat?) {
        self.path = path
        self.old = old
        target = Self.resolvingLinks(path)
        folder = target.lastIndex(of: "/").map { [target] in String(target[...$0]) } ?? ""
    }

    /// - Throws: ``ImageFileError`` `.cannotWrite` or `.ioError`; the old file is untouched
    ///   then, and nothing is left behind.
    func write(_ bytes: UnsafeBufferPointer<UInt8>) throws {
        if try !writeUnnamed(bytes) { try writeNamed(bytes) }
        synchronizeFolder()
    }

    /// False when the file system or the system cannot do it.
    private func writeUnnamed(_ bytes: UnsafeBufferPointer<UInt8>) throws -> Bool {
        let descriptor = open(
            folder.isEmpty ? "." : folder, O_WRONLY | Self.withoutName | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        if let failure = fill(descriptor, with: bytes) { throw ioError(failure) }
        let name = temporaryName()
        guard linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
        else { return false }
        try rename(name)
        return true
    }

    /// Fills a file with a temporary name, for where a file cannot be without one.
    func writeNamed(_ bytes: UnsafeBufferPointer<UInt8>) throws {
        let name = temporaryName()
        let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw cannotCreate() }
        var failure = fill(descriptor, with: bytes)
        if close(descriptor) != 0, failure == nil { failure = FileBytes.systemMessage() }
        if let failure {
            unlink(name)
            throw ioError(failure)
        }
        try rename(name)
    }

    /// What went wrong, or nil when the file is whole and on the disk.
    private func fill(_ descriptor: Int32, with bytes: UnsafeBufferPointer<UInt8>) -> String? {
        let failure = FileBytes.write(bytes, to: descriptor)
        if let old {
            // Owner and permissions are kept where the file system and our rights allow.
            _ = fchown(descriptor, old.st_uid, old.st_gid)
            _ = fchmod(descriptor, old.st_mode & 0o7777)
        }
        if failure == nil, fsync(descriptor) != 0 { return FileBytes.systemMessage() }
        return failure
    }

    private func rename(_ name: String) throws {
        guard Glibc.rename(name, target) != 0 else { return }
        let failure = FileBytes.systemMessage()
        unlink(name)
        throw ioError(failure)
    }

    /// A random name, taken by chance once in 2^64 times.
    private func temporaryName() -> String {
        "\(folder).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
    }

    private func ioError(_ reason: String) -> ImageFileError {
        ImageFileError(.ioError, path: path, reason: reason)
    }

    private func cannotCreate() -> ImageFileError {
        let isMissing = errno == ENOENT || errno == ENOTDIR
        return ImageFileError(
            errno == ENOSPC || errno == EDQUOT ? .ioError : .cannotWrite, path: path,
            reason: isMissing ? "there is no folder '\(folder)'" : FileBytes.systemMessage())
    }

    /// The file a link leads to, so that the link stays and the file is replaced. A path
    /// that does not exist yet, or a link to nowhere, is taken as it is.
    private static func resolvingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Makes the new name last through a power failure. Some file systems cannot do it;
    /// the file itself is safe by then, so that is no error.
    private func synchronizeFolder() {
        let descriptor = open(
            folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }
}
