extension Image {
    /// Reads a PNG or JPEG file, told apart by content, not by name.
    ///
    /// The EXIF orientation is applied: the picture is upright, `width` and `height` are
    /// those after turning, and the tag carried in `metadata.exif` says "upright". CMYK
    /// becomes sRGB: by its profile, relative colorimetric with black point compensation, or
    /// by multiplication where there is none. Metadata past 16 MiB is left out.
    ///
    /// A lenient reading takes what can be decoded of a truncated or damaged file, at least
    /// one row. Rows missing from a PNG are black, or transparent where there is alpha; in an
    /// interlaced one, pixels missing are those of the passes before. Rows missing from a JPEG
    /// are as libjpeg fills them, gray for the most part.
    ///
    /// - Parameter note: given a sentence, naming the file, for each thing the reading had to
    ///   do without.
    /// - Throws: ``ImageFileError`` `.notFound`, `.notAFile`, `.unreadable`, `.ioError`,
    ///   `.notAnImage`, `.unsupported` (also for more pixels than `options` allow) or
    ///   `.corrupt`; unless lenient, a picture with any damage is refused whole.
    public static func read(
        from path: String, options: ImageReadOptions = .init(), note: (String) -> Void = { _ in }
    ) throws -> Image {
        let bytes = try FileBytes.read(from: path, maximumCount: options.maximumBytes) { signature in
            _ = try format(of: signature, name: path)
        }
        return try decoded(from: bytes, name: path, options: options, note: note)
    }

    /// Decodes the bytes of a PNG or JPEG file, as ``read(from:)`` does.
    ///
    /// - Parameter name: what error messages call the picture.
    /// - Throws: ``ImageFileError`` `.unsupported`, `.corrupt` or `.ioError` (no memory).
    public static func decoded(
        from bytes: [UInt8], name: String, options: ImageReadOptions = .init(),
        note: (String) -> Void = { _ in }
    ) throws -> Image {
        let format = try format(of: bytes, name: name)
        var shortfall = ImageShortfall()
        var image: Image
        do {
            image = try ImageCodec.decode(bytes, as: format, options: options, shortfall: &shortfall)
        } catch let error as ImageFileError {
            throw error.naming(name)
        }
        shortfall.notes(name: name).forEach(note)
        if var packet = image.metadata.xmp.map({ XMPPacket($0) }), packet.removeExtensionReference() {
            image.metadata.xmp = packet.bytes
            note("the second part of the XMP of '\(name)' was left out")
        }
        return image.upright()
    }

    private static func format(
        of bytes: some Collection<UInt8>, name: String
    ) throws -> ImageFormat {
        if bytes.isEmpty {
            throw ImageFileError(.corrupt, path: name, reason: "the file is empty")
        }
        guard let format = ImageFormat(signature: bytes) else {
            throw ImageFileError(
                .notAnImage, path: name, reason: "it is neither a PNG nor a JPEG file")
        }
        return format
    }

    /// The picture turned as its EXIF block says.
    private func upright() -> Image {
        guard var exif = metadata.exif.flatMap({ ExifBlock($0) }),
            let orientation = exif.orientation, orientation != .topLeft
        else { return self }
        exif.resetOrientation()
        var turned = applying(orientation)
        turned.metadata.exif = exif.bytes
        turned.metadata.xmp = metadata.xmp.map {
            var packet = XMPPacket($0)
            packet.resetOrientation()
            return packet.bytes
        }
        return turned
    }
}
