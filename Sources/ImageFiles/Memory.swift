import CImageCodecs

/// Memory asked for with care: an array that finds none ends the program.
enum Memory {
    /// Whether that many bytes can be had in one piece.
    static func isAvailable(_ count: Int) -> Bool {
        image_codec_memory_is_available(count)
    }
}
