extension Image {
    /// Reads a PNG or JPEG file, told apart by content, not by name.
    ///
    /// The EXIF orientation is applied: the picture is upright, `width` and `height` are
    /// those after turning, and the tag carried in `metadata.exif` says "upright".
    ///
    /// - Parameter note: given a sentence for what a lenient reading had to do without.
    /// - Throws: ``ImageFileError`` `.notFound`, `.notAFile`, `.unreadable`, `.ioError`,
    ///   `.notAnImage`, `.unsupported` or `.corrupt`; a picture with any damage is refused whole.
    public static func read(
        from path: String, options: ImageReadOptions = .init(), note: (String) -> Void = { _ in }
    ) throws -> Image {
        let bytes = try FileBytes.read(from: path) { signature in
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
        do {
            return try ImageCodec.decode(bytes, as: format).upright()
        } catch let error as ImageFileError {
            throw error.naming(name)
        }
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
        turned.metadata.xmp = metadata.xmp.map(Self.resettingOrientation)
        return turned
    }

    /// An XMP packet that repeats the orientation must not turn the picture again. The
    /// digit is replaced in place, so the packet keeps its length.
    private static func resettingOrientation(inXMP packet: [UInt8]) -> [UInt8] {
        var packet = packet
        for pattern in ["tiff:Orientation=\"", "tiff:Orientation='", "tiff:Orientation>"] {
            let pattern = Array(pattern.utf8)
            var start = 0
            while start + pattern.count < packet.count {
                let end = start + pattern.count
                if packet[start..<end].elementsEqual(pattern),
                    (UInt8(ascii: "2")...UInt8(ascii: "8")).contains(packet[end])
                {
                    packet[end] = UInt8(ascii: "1")
                }
                start += 1
            }
        }
        return packet
    }
}
