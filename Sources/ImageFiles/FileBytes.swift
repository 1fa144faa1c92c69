import Glibc

/// Whole files in and out.
enum FileBytes {
    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - maximumCount: the most bytes the file may have.
    ///   - check: is given the first bytes (at most 16) and throws when the rest is not worth
    ///     reading, so that a huge file of another kind, or an endless device, is turned down
    ///     at once.
    /// - Throws: ``ImageFileError``, and what `check` throws.
    static func read(
        from path: String, maximumCount: Int, check: ([UInt8]) throws -> Void
    ) throws -> [UInt8] {
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

        let start = try bytes(after: [], upTo: 16, of: descriptor, path: path)
        try check(start)
        // One byte more than there should be shows the end of the file in the same call.
        var count = max(Int(status.st_size), start.count) + 1
        var whole = start
        repeat {
            guard count <= maximumCount + 1 else {
                throw ImageFileError(
                    .unsupported, path: path,
                    reason: "the file is larger than the limit of \(maximumCount) bytes")
            }
            whole = try bytes(after: whole, upTo: count, of: descriptor, path: path)
            // A pipe does not tell its size.
            count *= 2
        } while whole.count == count / 2
        return whole
    }

    /// The bytes given and those that follow, `count` in all, fewer only at the end of the
    /// file.
    private static func bytes(
        after start: [UInt8], upTo count: Int, of descriptor: Int32, path: String
    ) throws -> [UInt8] {
        guard Memory.isAvailable(count) else { throw ImageCodec.outOfMemory.naming(path) }
        var failure: ImageFileError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            _ = buffer.initialize(from: start)
            filled = start.count
            while filled < count, let base = buffer.baseAddress {
                let got = Glibc.read(descriptor, base + filled, count - filled)
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
        return bytes
    }

    /// Writes a whole file, or leaves what was there.
    ///
    /// - Throws: ``ImageFileError`` `.notAFile`, `.cannotWrite` or `.ioError`.
    static func write(_ bytes: UnsafeBufferPointer<UInt8>, to path: String) throws {
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
                try FileReplacement(path, old: status).write(bytes)
            default:
                try writeDirectly(bytes, to: path)
            }
        } else {
            try FileReplacement(path, old: nil).write(bytes)
        }
    }

    /// Devices and pipes cannot be replaced, only written to.
    private static func writeDirectly(
        _ bytes: UnsafeBufferPointer<UInt8>, to path: String
    ) throws {
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

    /// What went wrong, or nil when all bytes were written.
    static func write(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) -> String? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(
                descriptor, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                return systemMessage()
            }
        }
        return nil
    }

    static func systemMessage() -> String {
        String(cString: strerror(errno))
    }
}
