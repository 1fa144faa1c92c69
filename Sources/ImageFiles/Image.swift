import CImageCodecs

/// A picture in memory: interleaved samples, row by row from the top, straight alpha.
///
/// `samples` may be changed freely; a count that no longer fits the size, or a value above
/// `maxSample`, is refused with `.invalidArgument` by whatever uses the picture next.
public struct Image: Sendable, Equatable {
    /// Width × height × channels may not exceed this.
    public static let maximumSampleCount = 1 << 31

    /// At least 1.
    public let width: Int
    /// At least 1.
    public let height: Int
    /// 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA.
    public let channels: Int
    /// 8 or 16.
    public let bitDepth: Int
    /// 0...`maxSample`; `samples[(y * width + x) * channels + c]`.
    public var samples: [UInt16]
    public var metadata: ImageMetadata

    /// A picture of the given samples.
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` when a size is below 1, when there
    ///   are more than `maximumSampleCount` samples, when `channels` is not 1...4 or
    ///   `bitDepth` not 8 or 16, or when the samples do not fit these in number or value.
    public init(
        width: Int, height: Int, channels: Int, bitDepth: Int, samples: [UInt16],
        metadata: ImageMetadata = .init()
    ) throws {
        self.init(
            unchecked: samples, width: width, height: height, channels: channels,
            bitDepth: bitDepth, metadata: metadata)
        try validate()
    }

    /// For samples known to fit.
    init(
        unchecked samples: [UInt16], width: Int, height: Int, channels: Int, bitDepth: Int,
        metadata: ImageMetadata
    ) {
        self.width = width
        self.height = height
        self.channels = channels
        self.bitDepth = bitDepth
        self.samples = samples
        self.metadata = metadata
    }

    /// White: 255 or 65535.
    public var maxSample: Int { bitDepth == 16 ? 65535 : 255 }

    /// The channels without alpha: 1 or 3.
    public var colorChannels: Int { channels < 3 ? 1 : 3 }

    public var hasAlpha: Bool { channels == 2 || channels == 4 }

    /// Refuses a picture whose parts do not fit together.
    func validate() throws {
        guard (1...4).contains(channels) else {
            throw ImageFileError.invalidArgument(
                "an image has 1 to 4 channels, not \(channels)")
        }
        guard bitDepth == 8 || bitDepth == 16 else {
            throw ImageFileError.invalidArgument(
                "an image has 8 or 16 bits per sample, not \(bitDepth)")
        }
        let count = try Self.sampleCount(width: width, height: height, channels: channels)
        guard samples.count == count else {
            throw ImageFileError.invalidArgument(
                "an image of \(width) x \(height) pixels and \(channels) channels has "
                    + "\(count) samples, not \(samples.count)")
        }
        if bitDepth == 8 {
            // A plain loop over the buffer: this runs on every operation.
            let allBits = samples.withUnsafeBufferPointer { $0.reduce(0, |) }
            guard allBits <= 255 else {
                throw ImageFileError.invalidArgument(
                    "a sample of an 8-bit image is above 255")
            }
        }
    }

    /// The number of samples of a picture of that size.
    ///
    /// - Throws: `.invalidArgument` when a side is below 1 or the number is too large.
    static func sampleCount(width: Int, height: Int, channels: Int) throws -> Int {
        guard width >= 1, height >= 1 else {
            throw ImageFileError.invalidArgument(
                "an image has at least 1 x 1 pixels, not \(width) x \(height)")
        }
        let (pixels, pixelOverflow) = width.multipliedReportingOverflow(by: height)
        let (count, overflow) = pixels.multipliedReportingOverflow(by: channels)
        guard !pixelOverflow, !overflow, count <= maximumSampleCount else {
            throw ImageFileError.invalidArgument(
                "\(width) x \(height) pixels are more than can be handled (2^31 samples)")
        }
        return count
    }
}
