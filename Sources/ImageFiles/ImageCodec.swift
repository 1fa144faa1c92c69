import CImageCodecs

/// The bridge between ``Image`` and the C codecs.
enum ImageCodec {
    /// Decodes a whole file of a known format, as stored: orientation is not applied.
    ///
    /// - Throws: ``ImageFileError`` `.corrupt`, `.unsupported` or `.ioError` without path.
    static func decode(_ bytes: [UInt8], as format: ImageFormat) throws -> Image {
        var picture = ImageCodecPicture()
        defer { image_codec_picture_clear(&picture) }
        var message = [CChar](repeating: 0, count: messageSize)
        let status = bytes.withUnsafeBufferPointer { buffer in
            switch format {
            case .png:
                image_codec_png_decode(buffer.baseAddress, buffer.count, &picture, &message)
            case .jpeg:
                image_codec_jpeg_decode(buffer.baseAddress, buffer.count, &picture, &message)
            }
        }
        try check(status, message)

        let count = Int(picture.width) * Int(picture.height) * Int(picture.channels)
        let samples = [UInt16](UnsafeBufferPointer(start: picture.samples, count: count))
        return try Image(
            width: Int(picture.width), height: Int(picture.height),
            channels: Int(picture.channels), bitDepth: Int(picture.bit_depth),
            samples: samples, metadata: ImageMetadata(picture.metadata))
    }

    /// Encodes a picture that the format can hold.
    ///
    /// - Parameter quality: 1...100, for JPEG only.
    /// - Throws: ``ImageFileError`` `.invalidArgument` or `.ioError` without path.
    static func encode(_ image: Image, as format: ImageFormat, quality: Int) throws -> [UInt8] {
        guard let width = UInt32(exactly: image.width),
            let height = UInt32(exactly: image.height)
        else { throw ImageFileError.invalidArgument("the image is too large to be encoded") }
        var picture = ImageCodecPicture()
        picture.width = width
        picture.height = height
        picture.channels = UInt32(image.channels)
        picture.bit_depth = UInt32(image.bitDepth)
        defer { image_codec_metadata_clear(&picture.metadata) }
        try image.fillMetadata(&picture.metadata, for: format)

        var output = ImageCodecBytes()
        defer { image_codec_bytes_clear(&output) }
        var message = [CChar](repeating: 0, count: messageSize)
        let status = image.samples.withUnsafeBufferPointer { samples in
            // The encoders only read the samples.
            picture.samples = UnsafeMutablePointer(mutating: samples.baseAddress)
            defer { picture.samples = nil }
            return switch format {
            case .png: image_codec_png_encode(&picture, &output, &message)
            case .jpeg:
                image_codec_jpeg_encode(
                    &picture, Int32(clamping: quality), &output, &message)
            }
        }
        try check(status, message)
        return [UInt8](UnsafeBufferPointer(start: output.bytes, count: output.count))
    }

    static let outOfMemory = ImageFileError(.ioError, reason: "there is not enough memory")

    private static let messageSize = Int(IMAGE_CODEC_MESSAGE_SIZE)

    private static func check(_ status: ImageCodecStatus, _ message: [CChar]) throws {
        let text = String(
            decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        switch status {
        case IMAGE_CODEC_OK: return
        case IMAGE_CODEC_CORRUPT: throw ImageFileError(.corrupt, reason: text)
        case IMAGE_CODEC_UNSUPPORTED, IMAGE_CODEC_TOO_LARGE:
            throw ImageFileError(.unsupported, reason: text)
        case IMAGE_CODEC_OUT_OF_MEMORY: throw outOfMemory
        default: throw ImageFileError(.invalidArgument, reason: text)
        }
    }
}
