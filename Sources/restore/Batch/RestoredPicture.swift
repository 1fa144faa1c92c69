import ImageFiles

/// A picture's output, with what is written beside it.
struct RestoredPicture: Sendable {
    let image: Image
    /// PNG files, each with its path.
    var companions: [(path: String, image: Image)] = []
}
