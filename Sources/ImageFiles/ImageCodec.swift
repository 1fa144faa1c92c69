import CImageCodecs

/// The bridge between ``Image`` and the C codecs.
enum ImageCodec {
    /// Decodes a whole file of a known format, as stored: orientation is not applied.
    ///
    /// - Parameter shortfall: what the reading had to do without, when it did.
    /// - Throws: ``ImageFileError`` `.corrupt`, `.unsupported` or `.ioError` without path.
    static func decode(
        _ bytes: [UInt8], as format: ImageFormat, options: ImageReadOptions,
        shortfall: inout ImageShortfall
    ) throws -> Image {
        let options = ImageCodecReadOptions(
            maximum_pixels: UInt64(max(0, options.maximumPixels)), is_lenient: options.isLenient)
        return try withUnsafePointer(to: options) { options in
            try bytes.withUnsafeBufferPointer { bytes in
                try decode(bytes, as: format, options: options, shortfall: &shortfall)
            }
        }
    }

    private static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, as format: ImageFormat,
        options: UnsafePointer<ImageCodecReadOptions>, shortfall: inout ImageShortfall
    ) throws -> Image {
        var picture = ImageCodecPicture()
        defer { image_codec_metadata_clear(&picture.metadata) }
        var decoder: OpaquePointer?
        defer { image_codec_decoder_close(decoder) }
        var message = [CChar](repeating: 0, count: messageSize)
        let open = format == .png ? image_codec_png_open : image_codec_jpeg_open
        try check(open(bytes.baseAddress, bytes.count, options, &picture, &decoder, &message), message)

        // Decoded straight into the array: a second copy of a large picture is what memory
        // would run out on first.
        let count = Int(picture.width) * Int(picture.height) * Int(picture.channels)
        guard Memory.isAvailable(count * MemoryLayout<UInt16>.stride) else { throw outOfMemory }
        var lacks = ImageCodecShortfall()
        var status = IMAGE_CODEC_OK
        let samples = [UInt16](unsafeUninitializedCapacity: count) { buffer, filled in
            picture.samples = buffer.baseAddress
            status = image_codec_decoder_read(decoder, &picture, &lacks, &message)
            filled = status == IMAGE_CODEC_OK ? count : 0
        }
        try check(status, message)
        shortfall = ImageShortfall(lacks, height: Int(picture.height), message: string(message))
        return try Image(
            width: Int(picture.width), height: Int(picture.height),
            channels: Int(picture.channels), bitDepth: Int(picture.bit_depth),
            samples: samples, metadata: ImageMetadata(picture.metadata))
    }

    /// Encodes a picture that the format can hold, and lends the bytes to `body`.
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` or `.ioError` without path, and what
    ///   `body` throws.
    static func withEncoded<Result>(
        _ image: Image, as format: ImageFormat, options: ImageWriteOptions,
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) throws -> Result {
        guard let width = UInt32(exactly: image.width),
            let height = UInt32(exactly: image.height)
        else { throw ImageFileError.invalidArgument("the image is too large to be encoded") }
        var picture = ImageCodecPicture()
        picture.width = width
        picture.height = height
        picture.channels = UInt32(image.channels)
        picture.bit_depth = UInt32(image.bitDepth)
        defer { image_codec_metadata_clear(&picture.metadata) }
        try image.fillMetadata(
            &picture.metadata, for: format, colorOnly: options.stripsMetadata)

        var codecOptions = ImageCodecWriteOptions(
            jpeg_quality: Int32(clamping: options.jpegQuality),
            jpeg_is_progressive: options.isProgressive,
            png_compression: Int32(clamping: options.pngCompression))
        var output = ImageCodecBytes()
        defer { image_codec_bytes_clear(&output) }
        var message = [CChar](repeating: 0, count: messageSize)
        let encode = format == .png ? image_codec_png_encode : image_codec_jpeg_encode
        let status = image.samples.withUnsafeBufferPointer { samples in
            // The encoders only read the samples.
            picture.samples = UnsafeMutablePointer(mutating: samples.baseAddress)
            defer { picture.samples = nil }
            return encode(&picture, &codecOptions, &output, &message)
        }
        try check(status, message)
        return try body(UnsafeBufferPointer(start: output.bytes, count: output.count))
    }

    static let outOfMemory = ImageFileError(.ioError, reason: "there is not enough memory")

    private static let messageSize = Int(IMAGE_CODEC_MESSAGE_SIZE)

    private static func string(_ message: [CChar]) -> String {
        String(
            decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func check(_ status: ImageCodecStatus, _ message: [CChar]) throws {
        switch status {
        case IMAGE_CODEC_OK: return
        case IMAGE_CODEC_CORRUPT: throw ImageFileError(.corrupt, reason: string(message))
        case IMAGE_CODEC_UNSUPPORTED, IMAGE_CODEC_TOO_LARGE:
            throw ImageFileError(.unsupported, reason: string(message))
        case IMAGE_CODEC_OUT_OF_MEMORY: throw outOfMemory
        default: throw ImageFileError(.invalidArgument, reason: string(message))
        }
    }
}
