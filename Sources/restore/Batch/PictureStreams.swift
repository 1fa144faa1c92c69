import Foundation
import Glibc
import ImageFiles

/// Pictures from and to files, or standard input and output under the name `-`.
enum PictureStreams {
    static func read(_ input: InputPicture, options: ImageReadOptions, note: (String) -> Void) throws -> Image
    {
        guard input.isStandardInput else {
            return try Image.read(from: input.path, options: options, note: note)
        }
        let name = "standard input"
        var bytes: [UInt8] = []
        var isKnown = false
        while try append(to: &bytes) {
            guard !isKnown, bytes.count >= 16 else { continue }
            // An endless stream of something else ends here.
            do { _ = try Image.decoded(from: Array(bytes.prefix(16)), name: name) } catch let error
                as ImageFileError where error.kind == .notAnImage
            { throw error } catch {}
            isKnown = true
        }
        return try Image.decoded(from: bytes, name: name, options: options, note: note)
    }

    /// Writes a picture whole or not at all; the folders it needs are made.
    static func write(_ image: Image, to output: String, format: ImageFormat, options: ImageWriteOptions)
        throws
    {
        guard output == PictureJob.standardOutput else {
            let folder = output.folderOfPath
            if !folder.isEmpty, FileStatus(folder) == nil { try OutputCheck.makeFolder(folder) }
            return try image.write(to: output, format: format, options: options)
        }
        let bytes = try image.encoded(as: format, options: options)
        do { try FileHandle.standardOutput.write(contentsOf: Data(bytes)) } catch {
            throw ImageFileError(
                .ioError, path: "standard output", reason: "the picture cannot be written to it")
        }
    }

    /// false at the end of standard input.
    private static func append(to bytes: inout [UInt8]) throws -> Bool {
        var failure: Int32?
        let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, filled in
            var got: Int
            repeat {
                got = Glibc.read(STDIN_FILENO, buffer.baseAddress, buffer.count)
            } while got < 0
                && errno == EINTR
            if got < 0 { failure = errno }
            filled = max(0, got)
        }
        if let failure {
            throw ImageFileError(
                .unreadable, path: "standard input", reason: String(cString: strerror(failure)))
        }
        bytes += chunk
        return !chunk.isEmpty
    }
}
