import ImageFiles

/// A picture from its file, with what a lenient reading had to do without.
struct ReadPicture: Sendable {
    let image: Image
    /// Sentences.
    let notes: [String]
}
