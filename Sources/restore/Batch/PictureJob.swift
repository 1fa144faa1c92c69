import ImageFiles

/// One picture's way: from where, to where.
struct PictureJob {
    let input: InputPicture
    /// The path, or `-` for standard output.
    let output: String
    let format: ImageFormat
    /// Whether a file is there that the output replaces.
    let replaces: Bool

    static let standardOutput = "-"
}
