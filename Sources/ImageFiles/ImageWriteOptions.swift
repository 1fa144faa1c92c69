/// How a picture is written.
public struct ImageWriteOptions: Sendable, Equatable {
    /// 1...100, for JPEG only.
    public var jpegQuality: Int
    /// Whether a JPEG file comes in scans of rising detail.
    public var isProgressive: Bool
    /// zlib's level, 0 (stored) to 9 (smallest), for PNG only; 9 takes many times longer than 8
    /// on a photograph.
    public var pngCompression: Int
    /// Whether all metadata but the colour description (profile, gamma, chromaticities) is left out.
    public var stripsMetadata: Bool

    public init(
        jpegQuality: Int = 95, isProgressive: Bool = false, pngCompression: Int = 6,
        stripsMetadata: Bool = false
    ) {
        self.jpegQuality = jpegQuality
        self.isProgressive = isProgressive
        self.pngCompression = pngCompression
        self.stripsMetadata = stripsMetadata
    }
}
