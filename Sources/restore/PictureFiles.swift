import ArgumentParser
import Foundation
import ImageFiles

/// Where a command that restores pictures writes, and how.
struct PictureFiles: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: "Where to write, .png or .jpg (default: a PNG beside the input).")
    var output: String?

    @Option(
        help: "Also write before and after side by side to this PNG.",
        completion: .file(extensions: ["png"]))
    var compare: String?

    @Option(help: "JPEG quality from 1 to 100.")
    var quality = 95

    @Flag(name: [.short, .long], help: "Say nothing unless something fails.")
    var quiet = false

    func validate() throws {
        guard (1...100).contains(quality) else { throw ValidationError("--quality must be from 1 to 100") }
        for path in [output, compare].compactMap(\.self) where ImageFormat(path: path) == nil {
            throw ValidationError("'\(path)' must end in .png, .jpg or .jpeg")
        }
    }

    /// What goes with one picture only.
    func validate(inputs: [String]) throws {
        guard !inputs.isEmpty else { throw ValidationError("name a picture to restore") }
        if inputs.count > 1, output != nil { throw ValidationError("--output goes with one picture") }
        if inputs.count > 1, compare != nil { throw ValidationError("--compare goes with one picture") }
    }

    /// Every input with its output, checked before a model is loaded and minutes are spent.
    ///
    /// - Parameter more: other files that will be written.
    func jobs(_ inputs: [String], more: [String] = [], defaultOutput: (String) -> String) throws
        -> [(input: String, output: String)]
    {
        let jobs = inputs.map { (input: $0, output: output ?? defaultOutput($0)) }
        let outputs = jobs.map(\.output) + [compare].compactMap(\.self) + more
        if let twice = Dictionary(grouping: outputs, by: \.self).filter({ $0.value.count > 1 }).keys.min() {
            throw CommandError.usage("'\(twice)' would be written twice: the outputs need names of their own")
        }
        for path in outputs { try OutputCheck.writable(path) }
        return jobs
    }

    /// `in_SUFFIX.png` beside the input.
    static func beside(_ input: String, suffix: String) -> String {
        (input as NSString).deletingPathExtension + "_\(suffix).png"
    }

    /// Writes the result, and before and after as asked.
    ///
    /// - Parameter before: of the result's size.
    func write(_ result: Image, before: @autoclosure () throws -> Image, to output: String) throws {
        try result.write(to: output, options: .init(jpegQuality: quality))
        guard let compare else { return }
        let pair = try [before(), result].map { try $0.converted(bitDepth: 8).compositedOverWhite().rgb() }
        try Image.sideBySide(pair, gap: 8).write(to: compare)
    }
}
