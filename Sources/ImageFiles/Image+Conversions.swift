extension Image {
    /// The picture with 8 or 16 bits per sample, scaled so that white stays white, rounded.
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` when `bitDepth` is neither.
    public func converted(bitDepth target: Int) throws -> Image {
        try validate()
        guard target == 8 || target == 16 else {
            throw ImageFileError.invalidArgument(
                "an image has 8 or 16 bits per sample, not \(target)")
        }
        if target == bitDepth { return self }
        let converted =
            target == 16
            ? samples.map { $0 * 257 }
            : samples.map { UInt16((UInt32($0) * 255 + 32767) / 65535) }
        return Image(
            unchecked: converted, width: width, height: height, channels: channels,
            bitDepth: target, metadata: metadata)
    }

    /// The picture in colour: gray is repeated three times; alpha, if any, is kept (so the
    /// result has 3 or 4 channels).
    public func rgb() throws -> Image {
        try validate()
        if colorChannels == 3 { return self }
        return mapPixels(channels: hasAlpha ? 4 : 3) { pixel, output in
            let gray = pixel[pixel.startIndex]
            for c in 0..<3 { output[c] = gray }
            if output.count == 4 { output[3] = pixel[pixel.startIndex + 1] }
        }
    }

    /// The picture in gray, as luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B), rounded;
    /// alpha, if any, is kept (so the result has 1 or 2 channels).
    public func gray() throws -> Image {
        try validate()
        if colorChannels == 1 { return self }
        return mapPixels(channels: hasAlpha ? 2 : 1) { pixel, output in
            let first = pixel.startIndex
            let luma =
                299 * Int(pixel[first]) + 587 * Int(pixel[first + 1])
                + 114 * Int(pixel[first + 2])
            output[0] = UInt16((luma + 500) / 1000)
            if output.count == 2 { output[1] = pixel[first + 3] }
        }
    }

    /// The picture without alpha, as seen before a white ground.
    public func compositedOverWhite() throws -> Image {
        try validate()
        guard hasAlpha else { return self }
        let white = maxSample
        return mapPixels(channels: colorChannels) { pixel, output in
            let alpha = Int(pixel[pixel.endIndex - 1])
            for c in output.indices {
                let color = Int(pixel[pixel.startIndex + c])
                output[c] = UInt16(
                    (color * alpha + white * (white - alpha) + white / 2) / white)
            }
        }
    }

    /// The colour channels alone, whatever alpha says of them.
    public func droppingAlpha() throws -> Image {
        try validate()
        guard hasAlpha else { return self }
        return mapPixels(channels: colorChannels) { pixel, output in
            for c in output.indices { output[c] = pixel[pixel.startIndex + c] }
        }
    }

    /// Alpha as a gray picture without metadata; nil when there is none.
    public func alpha() throws -> Image? {
        try validate()
        guard hasAlpha else { return nil }
        var alpha = mapPixels(channels: 1) { pixel, output in
            output[0] = pixel[pixel.endIndex - 1]
        }
        alpha.metadata = ImageMetadata()
        return alpha
    }

    /// The picture with another alpha.
    ///
    /// - Parameter alpha: a gray picture of the same size and bit depth.
    /// - Throws: ``ImageFileError`` `.invalidArgument` when it is anything else.
    public func replacingAlpha(by alpha: Image) throws -> Image {
        try alpha.validate()
        guard alpha.channels == 1, alpha.width == width, alpha.height == height,
            alpha.bitDepth == bitDepth
        else {
            throw ImageFileError.invalidArgument(
                "alpha must be a gray image of the same size and bit depth")
        }
        let color = try droppingAlpha()
        var pixel = 0
        return color.mapPixels(channels: color.channels + 1) { input, output in
            for c in 0..<input.count { output[c] = input[input.startIndex + c] }
            output[output.count - 1] = alpha.samples[pixel]
            pixel += 1
        }
    }

    /// Maps each pixel to one of another number of channels, in row-major order; the
    /// picture must be valid.
    private func mapPixels(
        channels target: Int,
        _ transform: (
            _ pixel: Slice<UnsafeBufferPointer<UInt16>>,
            _ output: UnsafeMutableBufferPointer<UInt16>
        ) -> Void
    ) -> Image {
        let count = width * height
        let mapped = samples.withUnsafeBufferPointer { source in
            [UInt16](unsafeUninitializedCapacity: count * target) { output, written in
                output.initialize(repeating: 0)
                for pixel in 0..<count {
                    transform(
                        source[pixel * channels..<(pixel + 1) * channels],
                        UnsafeMutableBufferPointer(
                            rebasing: output[pixel * target..<(pixel + 1) * target]))
                }
                written = count * target
            }
        }
        return Image(
            unchecked: mapped, width: width, height: height, channels: target,
            bitDepth: bitDepth, metadata: metadata)
    }
}
