import Glibc

/// Whole files in and out.
enum FileBytes {
    /// Reads a whole file.
    ///
    /// - Parameter check: is given the first bytes (at most 16) and throws when the rest is
    ///   not worth reading, so that a huge file of another kind, or an endless device, is
    ///   turned down at once.
    /// - Throws: ``ImageFileError``, and what `check` throws.
    static func read(from path: String, check: ([UInt8]) throws -> Void) throws -> [UInt8] {
        guard !path.utf8.contains(0) else {
            throw ImageFileError(.notFound, path: path, reason: "no such file")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let isMissing = errno == ENOENT || errno == ENOTDIR
            throw ImageFileError(
                isMissing ? .notFound : .unreadable, path: path, reason: systemMessage())
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw ImageFileError(.unreadable, path: path, reason: systemMessage())
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw ImageFileError(.notAFile, path: path, reason: "it is a folder")
        }

        var bytes: [UInt8] = []
        try append(upTo: 16, of: descriptor, path: path, to: &bytes)
        try check(bytes)
        // One byte more than is left shows the end of the file in the same call.
        let rest = max(0, Int(status.st_size) - bytes.count) + 1
        bytes.reserveCapacity(bytes.count + rest)
        var step = rest
        while try append(upTo: step, of: descriptor, path: path, to: &bytes) {
            step = 1 << 16
        }
        return bytes
    }

    /// Appends `count` bytes, fewer only at the end of the file; false at the end.
    @discardableResult
    private static func append(
        upTo count: Int, of descriptor: Int32, path: String, to bytes: inout [UInt8]
    ) throws -> Bool {
        var failure: ImageFileError?
        let chunk = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count, let start = buffer.baseAddress {
                let got = Glibc.read(descriptor, start + filled, count - filled)
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    failure = ImageFileError(.ioError, path: path, reason: systemMessage())
                    return
                }
            }
        }
        if let failure { throw failure }
        bytes += chunk
        return chunk.count == count
    }

    /// Writes a whole file, or leaves what was there.
    ///
    /// - Throws: ``ImageFileError`` `.notAFile`, `.cannotWrite` or `.ioError`.
    static func write(_ bytes: [UInt8], to path: String) throws {
        guard !path.utf8.contains(0), !path.isEmpty else {
            throw ImageFileError(.cannotWrite, path: path, reason: "it is no file name")
        }
        var status = stat()
        if stat(path, &status) == 0 {
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                throw ImageFileError(.notAFile, path: path, reason: "it is a folder")
            case S_IFREG:
                // Renaming over a write-protected file would succeed, against the wish of
                // whoever protected it.
                guard access(path, W_OK) == 0 else {
                    throw ImageFileError(
                        .cannotWrite, path: path, reason: systemMessage())
                }
                try replace(path, by: bytes, replacing: status)
            default:
                try writeDirectly(bytes, to: path)
            }
        } else {
            try replace(path, by: bytes, replacing: nil)
        }
    }

    /// Devices and pipes cannot be replaced, only written to.
    private static func writeDirectly(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ImageFileError(.cannotWrite, path: path, reason: systemMessage())
        }
        let failure = write(bytes, to: descriptor)
        guard close(descriptor) == 0, failure == nil else {
            throw ImageFileError(
                .ioError, path: path, reason: failure ?? systemMessage())
        }
    }

    /// Puts a new file in the place of `path`; `old` describes the file that is there.
    private static func replace(
        _ path: String, by bytes: [UInt8], replacing old: stat?
    ) throws {
        let target = resolvingLinks(path)
        let slash = target.lastIndex(of: "/")
        let folder = slash.map { String(target[...$0]) } ?? ""
        let (temporary, descriptor) = try createTemporaryFile(in: folder, for: path)

        var failure = write(bytes, to: descriptor)
        if let old {
            // Owner and permissions are kept where the file system and our rights allow.
            _ = fchown(descriptor, old.st_uid, old.st_gid)
            _ = fchmod(descriptor, old.st_mode & 0o7777)
        }
        if failure == nil, fsync(descriptor) != 0 { failure = systemMessage() }
        if close(descriptor) != 0, failure == nil { failure = systemMessage() }
        if failure == nil, rename(temporary, target) != 0 { failure = systemMessage() }
        if let failure {
            unlink(temporary)
            throw ImageFileError(.ioError, path: path, reason: failure)
        }
        synchronizeFolder(folder)
    }

    /// The file a link leads to, so that the link stays and the file is replaced. A path
    /// that does not exist yet, or a link to nowhere, is taken as it is.
    private static func resolvingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func createTemporaryFile(
        in folder: String, for path: String
    ) throws -> (name: String, descriptor: Int32) {
        // A random name is taken once in 2^64 times; the loop is there for its sake.
        for _ in 0..<8 {
            let tag = String(UInt64.random(in: .min ... .max), radix: 36)
            let name = "\(folder).\(tag).tmp"
            let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 { return (name, descriptor) }
            guard errno == EEXIST || errno == EINTR else { break }
        }
        let isMissing = errno == ENOENT || errno == ENOTDIR
        throw ImageFileError(
            errno == ENOSPC || errno == EDQUOT ? .ioError : .cannotWrite, path: path,
            reason: isMissing ? "there is no folder '\(folder)'" : systemMessage())
    }

    /// What went wrong, or nil when all bytes were written.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> String? {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written >= 0 {
                    rest = rest.dropFirst(written)
                } else if errno != EINTR {
                    return systemMessage()
                }
            }
            return nil
        }
    }

    /// Makes the new name last through a power failure. Some file systems cannot do it;
    /// the file itself is safe by then, so that is no error.
    private static func synchronizeFolder(_ folder: String) {
        let descriptor = open(
            folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    private static func systemMessage() -> String {
        String(cString: strerror(errno))
    }
}
