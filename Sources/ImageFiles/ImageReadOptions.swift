/// What a reader may take and what it must turn down.
public struct ImageReadOptions: Sendable, Equatable {
    /// Pixels a file may claim, checked before memory is asked for.
    public var maximumPixels: Int
    /// Whether a file that ends early or is damaged gives what can be decoded of it.
    public var isLenient: Bool

    public init(maximumPixels: Int = 400_000_000, isLenient: Bool = false) {
        self.maximumPixels = maximumPixels
        self.isLenient = isLenient
    }

    /// The most bytes of a file with that many pixels: four uncompressed 16-bit samples each,
    /// and a quarter of a GiB for all else.
    var maximumBytes: Int { min(max(maximumPixels, 0), 1 << 40) * 8 + (1 << 28) }
}
