/// The coding-independent code points of a PNG file (cICP), numbers of ITU-T H.273 that say
/// what the samples mean; they take precedence over every other description of colour.
public struct PNGCodePoints: Sendable, Equatable {
    /// 1 BT.709, 9 BT.2020, 12 Display P3 …
    public var colorPrimaries: UInt8
    /// 13 sRGB, 16 PQ, 18 HLG …
    public var transferFunction: UInt8
    /// Whether samples span 0...`maxSample`, not the narrow range of video.
    public var isFullRange: Bool

    /// PNG allows no other matrix than RGB (0), so there is no field for it.
    public init(colorPrimaries: UInt8, transferFunction: UInt8, isFullRange: Bool = true) {
        self.colorPrimaries = colorPrimaries
        self.transferFunction = transferFunction
        self.isFullRange = isFullRange
    }
}
