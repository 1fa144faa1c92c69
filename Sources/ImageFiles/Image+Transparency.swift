extension Image {
    /// The picture with the colour of each fully transparent pixel taken from the nearest
    /// pixel that is not; without any such pixel, black.
    ///
    /// What lies under transparent pixels is often garbage, and a filter or a network spreads
    /// it into its surroundings. Alpha and the colours of all other pixels stay exact. Of two
    /// pixels equally far the upper one is taken, then the left one of a row.
    public func fillingTransparentPixels() throws -> Image {
        try validate()
        guard hasAlpha else { return self }
        var filled = self
        NearestVisiblePixels(of: self)?.copyColor(in: &filled.samples)
        return filled
    }

    /// The picture with the alpha of another one that it was made from, say by enlarging.
    ///
    /// Both pictures are taken to cover the same area. Alpha is resampled by bicubic, and
    /// kept between the values around each place, so that what is opaque or transparent all
    /// around stays so exactly and no edge gets a halo. The picture's own alpha is replaced;
    /// from a picture without alpha nothing is taken.
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` when one of the pictures is invalid.
    public func takingAlpha(from source: Image) throws -> Image {
        try validate()
        guard let alpha = try source.alpha() else { return self }
        return try replacingAlpha(
            by: alpha.resampledWithinRange(width: width, height: height, bitDepth: bitDepth))
    }
}
