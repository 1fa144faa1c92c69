import ImageFiles

/// Writes what became of a picture, as the flags say.
struct PictureWriter: Sendable {
    let options: ImageWriteOptions
    /// Bits a sample; nil keeps the picture's own.
    let depth: Int?
    /// Where before and after go side by side.
    let compare: String?

    init(_ files: PictureFiles) {
        options = files.formats.writing
        depth = files.formats.depth
        compare = files.compare
    }

    /// Writes the result and its companions.
    ///
    /// - Parameter image: the picture as it was; where the sizes differ it is resized for the comparison.
    /// - Returns: the picture as it was written.
    func write(_ result: RestoredPicture, of image: Image, _ job: PictureJob) throws -> Image {
        let picture = try finished(result.image)
        for companion in result.companions {
            try companion.image.write(to: companion.path, format: .png, options: options)
        }
        try PictureStreams.write(picture, to: job.output, format: job.format, options: options)
        if let compare {
            let isResized = image.width != picture.width || image.height != picture.height
            let before = try isResized ? image.resized(width: picture.width, height: picture.height) : image
            let pair = try [before, picture].map {
                try $0.converted(bitDepth: 8).compositedOverWhite().rgb()
            }
            try Image.sideBySide(pair, gap: 8).write(to: compare, options: options)
        }
        return picture
    }

    /// Writes a PNG of the outputs' depth beside them.
    func write(_ image: Image, to path: String) throws {
        try PictureStreams.write(finished(image), to: path, format: .png, options: options)
    }

    private func finished(_ image: Image) throws -> Image {
        try depth.map { try image.converted(bitDepth: $0) } ?? image
    }
}
