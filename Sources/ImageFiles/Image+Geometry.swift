extension Image {
    /// The rectangle of `width` × `height` pixels whose top left corner is (`x`, `y`).
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` when it is empty or not inside.
    public func cropping(x: Int, y: Int, width: Int, height: Int) throws -> Image {
        try validate()
        // Compared by differences: sums of a caller's numbers could overflow.
        guard x >= 0, y >= 0, width >= 1, height >= 1, width <= self.width,
            height <= self.height, x <= self.width - width, y <= self.height - height
        else {
            throw ImageFileError.invalidArgument(
                "the rectangle \(width) x \(height) at (\(x), \(y)) is not inside the image "
                    + "of \(self.width) x \(self.height) pixels")
        }
        var cropped: [UInt16] = []
        cropped.reserveCapacity(width * height * channels)
        for row in y..<y + height {
            let start = (row * self.width + x) * channels
            cropped += samples[start..<start + width * channels]
        }
        return Image(
            unchecked: cropped, width: width, height: height, channels: channels,
            bitDepth: bitDepth, metadata: metadata)
    }

    /// The pictures in one row, top-aligned, with white between, below and no border.
    ///
    /// The result has colour, alpha and 16 bits as soon as one of the pictures has, and the
    /// metadata of the first.
    ///
    /// - Parameter gap: pixels between two pictures, at least 0.
    /// - Throws: ``ImageFileError`` `.invalidArgument` when there is no picture, `gap` is
    ///   negative, or the result would be too large.
    public static func sideBySide(_ images: [Image], gap: Int) throws -> Image {
        guard let first = images.first else {
            throw ImageFileError.invalidArgument("there are no images to put side by side")
        }
        guard (0...maximumSampleCount).contains(gap) else {
            throw ImageFileError.invalidArgument(
                "the gap between images is at least 0, not \(gap)")
        }
        for image in images { try image.validate() }
        let hasColor = images.contains { $0.colorChannels == 3 }
        let hasAlpha = images.contains { $0.hasAlpha }
        let bitDepth = images.map(\.bitDepth).max() ?? 8
        let channels = (hasColor ? 3 : 1) + (hasAlpha ? 1 : 0)
        // Each summand is at most 2^31, so the sum cannot overflow.
        let width = images.map(\.width).reduce(0, +) + gap * (images.count - 1)
        let height = images.map(\.height).max() ?? 0
        let count = try sampleCount(width: width, height: height, channels: channels)

        let white: UInt16 = bitDepth == 16 ? .max : 255
        var samples = [UInt16](repeating: white, count: count)
        var x = 0
        for image in images {
            var part = try image.converted(bitDepth: bitDepth)
            if hasColor { part = try part.rgb() }
            if hasAlpha, !part.hasAlpha { part = try part.withOpaqueAlpha() }
            for row in 0..<part.height {
                let source = row * part.width * channels
                let target = (row * width + x) * channels
                samples.replaceSubrange(
                    target..<target + part.width * channels,
                    with: part.samples[source..<source + part.width * channels])
            }
            x += part.width + gap
        }
        return Image(
            unchecked: samples, width: width, height: height, channels: channels,
            bitDepth: bitDepth, metadata: first.metadata)
    }

    private func withOpaqueAlpha() throws -> Image {
        let opaque = [UInt16](repeating: UInt16(maxSample), count: width * height)
        return try replacingAlpha(
            by: Image(
                width: width, height: height, channels: 1, bitDepth: bitDepth,
                samples: opaque))
    }

    /// The picture turned and mirrored from how it is stored to how it is seen.
    func applying(_ orientation: Orientation) -> Image {
        let newWidth = orientation.swapsAxes ? height : width
        let newHeight = orientation.swapsAxes ? width : height
        /// Where the samples of an upright pixel are stored.
        func start(x: Int, y: Int) -> Int {
            let stored = orientation.storedPosition(x: x, y: y, width: width, height: height)
            return (stored.y * width + stored.x) * channels
        }
        let turned = samples.withUnsafeBufferPointer { source in
            [UInt16](unsafeUninitializedCapacity: source.count) { target, count in
                for y in 0..<newHeight {
                    // Along an upright row the stored pixels lie equally far apart.
                    var stored = start(x: 0, y: y)
                    let step = start(x: 1, y: y) - stored
                    for _ in 0..<newWidth {
                        for c in 0..<channels { target[count + c] = source[stored + c] }
                        count += channels
                        stored += step
                    }
                }
            }
        }
        var metadata = metadata
        if orientation.swapsAxes {
            metadata.resolution = metadata.resolution?.transposed
        }
        return Image(
            unchecked: turned, width: newWidth, height: newHeight, channels: channels,
            bitDepth: bitDepth, metadata: metadata)
    }
}
