import CImageCodecs

extension ImageMetadata {
    /// The metadata a codec found.
    init(_ source: ImageCodecMetadata) {
        self.init()
        iccProfile = Self.bytes(source.icc_profile)
        // A block that is no TIFF structure has no meaning, and PNG could not hold it.
        exif = Self.bytes(source.exif).flatMap { ExifBlock($0)?.bytes }
        xmp = Self.bytes(source.xmp)
        if source.has_resolution, source.resolution_x > 0, source.resolution_y > 0 {
            resolution = PhysicalResolution(
                x: source.resolution_x, y: source.resolution_y,
                unit: PhysicalResolution.Unit(source.resolution_unit))
        }
        if source.has_gamma { pngGamma = source.gamma }
        if source.has_chromaticities {
            let c = source.chromaticities
            pngChromaticities = PNGChromaticities(
                white: .init(x: c.0, y: c.1), red: .init(x: c.2, y: c.3),
                green: .init(x: c.4, y: c.5), blue: .init(x: c.6, y: c.7))
        }
        if source.has_rendering_intent { pngRenderingIntent = source.rendering_intent }
        if source.has_code_points {
            let c = source.code_points
            pngCodePoints = PNGCodePoints(
                colorPrimaries: c.0, transferFunction: c.1, isFullRange: c.3 == 1)
        }
        pngTexts = UnsafeBufferPointer(start: source.texts, count: source.text_count)
            .map(PNGText.init)
    }

    private static func bytes(_ source: ImageCodecBytes) -> [UInt8]? {
        guard source.count > 0, let start = source.bytes else { return nil }
        return [UInt8](UnsafeBufferPointer(start: start, count: source.count))
    }
}

extension PhysicalResolution.Unit {
    fileprivate init(_ unit: ImageCodecUnit) {
        switch unit {
        case IMAGE_CODEC_UNIT_METRE: self = .metre
        case IMAGE_CODEC_UNIT_INCH: self = .inch
        case IMAGE_CODEC_UNIT_CENTIMETRE: self = .centimetre
        default: self = .none
        }
    }

    fileprivate var codecUnit: ImageCodecUnit {
        switch self {
        case .none: IMAGE_CODEC_UNIT_NONE
        case .metre: IMAGE_CODEC_UNIT_METRE
        case .inch: IMAGE_CODEC_UNIT_INCH
        case .centimetre: IMAGE_CODEC_UNIT_CENTIMETRE
        }
    }
}

extension PNGText {
    fileprivate init(_ source: ImageCodecText) {
        let isInternational =
            source.kind == IMAGE_CODEC_TEXT_UTF8
            || source.kind == IMAGE_CODEC_TEXT_UTF8_COMPRESSED
        func string(_ pointer: UnsafeMutablePointer<CChar>?, utf8: Bool) -> String {
            guard let pointer else { return "" }
            if utf8 { return String(cString: pointer) }
            var bytes: [UInt8] = []
            var next = pointer
            while next.pointee != 0 {
                bytes.append(UInt8(bitPattern: next.pointee))
                next += 1
            }
            return PNGText.string(latin1: bytes)
        }
        self.init(
            keyword: string(source.keyword, utf8: false),
            text: string(source.text, utf8: isInternational),
            language: string(source.language, utf8: false),
            translatedKeyword: string(source.translated_keyword, utf8: true),
            isCompressed: source.kind == IMAGE_CODEC_TEXT_LATIN1_COMPRESSED
                || source.kind == IMAGE_CODEC_TEXT_UTF8_COMPRESSED,
            isInternational: isInternational)
    }

    /// Adds the entry to what a codec will write, unless PNG cannot hold its keyword.
    fileprivate func add(to target: inout ImageCodecMetadata) throws {
        guard let keyword = encodedKeyword, !text.utf8.contains(0),
            text.utf8.count <= Int(IMAGE_CODEC_MAXIMUM_TEXT_BYTES) / 2
        else { return }
        let isTagged = !language.isEmpty || !translatedKeyword.isEmpty
        let added: Bool
        if !isInternational, !isTagged, let latin1 = Self.latin1(text) {
            added = image_codec_metadata_add_text(
                &target,
                isCompressed
                    ? IMAGE_CODEC_TEXT_LATIN1_COMPRESSED : IMAGE_CODEC_TEXT_LATIN1,
                keyword, "", "", latin1)
        } else {
            added = image_codec_metadata_add_text(
                &target,
                isCompressed ? IMAGE_CODEC_TEXT_UTF8_COMPRESSED : IMAGE_CODEC_TEXT_UTF8,
                keyword, language, translatedKeyword, text)
        }
        if !added { throw ImageCodec.outOfMemory }
    }
}

extension Image {
    /// Fills in what the format can hold of the metadata and what still fits the pixels.
    ///
    /// - Parameter colorOnly: whether all but the description of colour is left out.
    func fillMetadata(
        _ target: inout ImageCodecMetadata, for format: ImageFormat, colorOnly: Bool
    ) throws {
        try Self.assign(metadata.iccProfile(colorChannels: colorChannels), to: &target.icc_profile)
        if format == .png { fillColor(&target) }
        if !colorOnly { try fillRest(&target, for: format) }
    }

    private static func assign(_ bytes: [UInt8]?, to field: inout ImageCodecBytes) throws {
        // More would not be read again.
        guard let bytes, bytes.count <= Int(IMAGE_CODEC_MAXIMUM_PROFILE_BYTES),
            !image_codec_bytes_assign(&field, bytes, bytes.count)
        else { return }
        throw ImageCodec.outOfMemory
    }

    /// The description of colour that only PNG can hold.
    private func fillColor(_ target: inout ImageCodecMetadata) {
        if let gamma = metadata.pngGamma, gamma > 0 {
            target.has_gamma = true
            target.gamma = gamma
        }
        if let c = metadata.pngChromaticities {
            target.has_chromaticities = true
            target.chromaticities = (
                c.white.x, c.white.y, c.red.x, c.red.y,
                c.green.x, c.green.y, c.blue.x, c.blue.y
            )
        }
        if let intent = metadata.pngRenderingIntent, (0...3).contains(intent) {
            target.has_rendering_intent = true
            target.rendering_intent = intent
        }
        if let c = metadata.pngCodePoints {
            target.has_code_points = true
            target.code_points = (
                c.colorPrimaries, c.transferFunction, 0, c.isFullRange ? 1 : 0
            )
        }
    }

    private func fillRest(_ target: inout ImageCodecMetadata, for format: ImageFormat) throws {
        var exif = metadata.exif.flatMap { ExifBlock($0) }
        exif?.setPixelSize(width: width, height: height)
        try Self.assign(exif?.bytes, to: &target.exif)
        var xmp = metadata.xmp.flatMap { $0.contains(0) ? nil : XMPPacket($0) }
        xmp?.setPixelSize(width: width, height: height)
        try Self.assign(xmp?.bytes, to: &target.xmp)

        let resolution =
            format == .png ? metadata.resolution?.forPNG : metadata.resolution?.forJPEG
        if let resolution {
            target.has_resolution = true
            target.resolution_unit = resolution.unit.codecUnit
            target.resolution_x = resolution.x
            target.resolution_y = resolution.y
        }
        guard format == .png else { return }
        for text in metadata.pngTexts { try text.add(to: &target) }
    }
}
