/// What an image file says beside its pixels, as far as PNG and JPEG can carry it.
public struct ImageMetadata: Sendable, Equatable {
    /// An ICC colour profile, whole.
    public var iccProfile: [UInt8]?
    /// An EXIF block: a TIFF structure starting with "II" or "MM".
    public var exif: [UInt8]?
    /// An XMP packet: UTF-8 XML.
    public var xmp: [UInt8]?
    public var resolution: PhysicalResolution?
    /// PNG gAMA: the encoding exponent times 100000, at least 1.
    public var pngGamma: Int32?
    public var pngChromaticities: PNGChromaticities?
    /// PNG sRGB: the rendering intent, 0 perceptual, 1 relative colorimetric,
    /// 2 saturation, 3 absolute colorimetric.
    public var pngRenderingIntent: Int32?
    public var pngCodePoints: PNGCodePoints?
    public var pngTexts: [PNGText]

    public init(
        iccProfile: [UInt8]? = nil, exif: [UInt8]? = nil, xmp: [UInt8]? = nil,
        resolution: PhysicalResolution? = nil, pngGamma: Int32? = nil,
        pngChromaticities: PNGChromaticities? = nil, pngRenderingIntent: Int32? = nil,
        pngCodePoints: PNGCodePoints? = nil, pngTexts: [PNGText] = []
    ) {
        self.iccProfile = iccProfile
        self.exif = exif
        self.xmp = xmp
        self.resolution = resolution
        self.pngGamma = pngGamma
        self.pngChromaticities = pngChromaticities
        self.pngRenderingIntent = pngRenderingIntent
        self.pngCodePoints = pngCodePoints
        self.pngTexts = pngTexts
    }

    /// The profile if it describes pixels of that many colour channels: a profile of the
    /// wrong colour space would make viewers show nonsense, or refuse the file.
    func iccProfile(colorChannels: Int) -> [UInt8]? {
        guard let profile = iccProfile, profile.count >= 132 else { return nil }
        let space = colorChannels == 1 ? "GRAY" : "RGB "
        return profile[16..<20].elementsEqual(space.utf8) ? profile : nil
    }
}
