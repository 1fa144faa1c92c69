extension Image {
    /// Writes the picture to a file, whole or not at all.
    ///
    /// A new file is filled beside the old one and then takes its place, so a failure (a
    /// full disk, say) leaves what was there untouched and nothing behind. A link is
    /// followed; a device or pipe is written to directly.
    ///
    /// - Parameters:
    ///   - format: the format; nil takes it from the path's extension.
    ///   - options: quality, compression and what is left out.
    /// - Throws: ``ImageFileError`` `.cannotWrite`, `.notAFile`, `.ioError`, or
    ///   `.invalidArgument` for an unknown extension and as ``encoded(as:options:)``.
    public func write(
        to path: String, format: ImageFormat? = nil, options: ImageWriteOptions = .init()
    ) throws {
        guard let format = format ?? ImageFormat(path: path) else {
            throw ImageFileError(
                .invalidArgument, path: path,
                reason: "the name ends neither in .png nor in .jpg or .jpeg")
        }
        do {
            try withEncoded(as: format, options: options) { try FileBytes.write($0, to: path) }
        } catch let error as ImageFileError {
            throw error.path.isEmpty ? error.naming(path) : error
        }
    }

    /// The bytes of a PNG or JPEG file holding the picture, with as much of the metadata
    /// as the format can hold.
    ///
    /// PNG keeps every sample. JPEG is 8-bit without alpha: 16-bit samples are scaled with
    /// rounding, and alpha is composited over white; chroma is 4:4:4 from quality 90 on and
    /// 4:2:0 below. Options of the other format are ignored. EXIF and XMP state the picture's
    /// size where they state one; a block too long for a JPEG segment (64 KiB) is left out.
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` when the quality or the compression is
    ///   out of range, a side is too long for JPEG (65500), or the samples do not fit the
    ///   picture.
    public func encoded(as format: ImageFormat, options: ImageWriteOptions = .init()) throws -> [UInt8] {
        try withEncoded(as: format, options: options) { [UInt8]($0) }
    }

    private func withEncoded<Result>(
        as format: ImageFormat, options: ImageWriteOptions,
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) throws -> Result {
        try validate()
        let image = format == .png ? self : try compositedOverWhite().converted(bitDepth: 8)
        return try ImageCodec.withEncoded(image, as: format, options: options, body)
    }
}
