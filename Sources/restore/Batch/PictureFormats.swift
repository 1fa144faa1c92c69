import ArgumentParser
import ImageFiles

/// How pictures are decoded and encoded.
struct PictureFormats: ParsableArguments {
    @Option(help: "Bits a sample of the output, 8 or 16 (default: the input's).")
    var depth: Int?

    @Option(help: "JPEG quality from 1 to 100.")
    var quality = 95

    @Flag(help: "Write JPEG in scans of rising detail.")
    var progressive = false

    @Option(help: "PNG compression from 0 (none) to 9 (smallest).")
    var compression = 6

    @Flag(help: "Leave out all metadata but the colour description.")
    var strip = false

    @Flag(help: "Take what can be decoded of a damaged picture.")
    var lenient = false

    @Option(
        help: ArgumentHelp("The most pixels an input may have, as 400M or 1.5G.", valueName: "number"))
    var maxPixels = PixelCount(ImageReadOptions().maximumPixels)

    func validate() throws {
        guard (1...100).contains(quality) else { throw ValidationError("--quality must be from 1 to 100") }
        guard (0...9).contains(compression) else {
            throw ValidationError("--compression must be from 0 to 9")
        }
        if let depth, depth != 8, depth != 16 { throw ValidationError("--depth must be 8 or 16") }
    }

    var reading: ImageReadOptions { .init(maximumPixels: maxPixels.value, isLenient: lenient) }

    var writing: ImageWriteOptions {
        .init(
            jpegQuality: quality, isProgressive: progressive, pngCompression: compression,
            stripsMetadata: strip)
    }
}
