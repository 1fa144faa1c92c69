import Foundation
import ImageFiles

/// Where the output of a picture goes, and what type it gets.
struct OutputNaming {
    enum Destination {
        /// Beside the input.
        case beside
        /// The one output's path, or `-` for standard output.
        case file(String)
        /// Below this folder, as the input lies below its own.
        case folder(String)
    }

    let destination: Destination
    /// Between the input's stem and the ending, for outputs beside their inputs.
    private let besideSuffix: String
    /// The same as it is now.
    private let suffix: String
    let type: OutputType

    /// - Throws: a usage error when the folder or the file does not go with the inputs.
    init(output: String?, suffix: String?, defaultSuffix: String, type: OutputType, inputs: InputList) throws
    {
        destination = try Self.destination(output, inputs: inputs)
        if case .folder(let folder) = destination { try OutputCheck.creatable(folder: folder) }
        self.type = type
        besideSuffix = suffix ?? defaultSuffix
        if case .folder = destination { self.suffix = suffix ?? "" } else { self.suffix = besideSuffix }
    }

    private static func destination(_ output: String?, inputs: InputList) throws -> Destination {
        guard let output else {
            if inputs.items.contains(where: \.isStandardInput) { return .file(PictureJob.standardOutput) }
            return .beside
        }
        let isPictureName = ImageFormat(path: output) != nil
        let isFolder = FileStatus(output).map(\.isFolder)
        if inputs.isSeveral {
            if output == PictureJob.standardOutput {
                throw CommandError.usage("--output - goes with one picture")
            }
            if isFolder == false, !isPictureName {
                throw CommandError.output("'\(output)' is a file, not a folder to write into")
            }
            guard isFolder == true || output.hasSuffix("/") || !isPictureName else {
                throw CommandError.usage(
                    "--output '\(output)' names one picture and there are several: name a folder (end it with '/')"
                )
            }
            return .folder(output)
        }
        // A folder called x.png is more likely a mistake than a wish.
        if output.hasSuffix("/") || isFolder == true && !isPictureName {
            if inputs.items.contains(where: \.isStandardInput) {
                throw CommandError.usage("--output needs a file name for what comes from standard input")
            }
            return .folder(output)
        }
        guard output == PictureJob.standardOutput || isPictureName else {
            throw CommandError.usage("'\(output)' must end in .png, .jpg or .jpeg")
        }
        return .file(output)
    }

    /// The output's path and format.
    func output(for input: InputPicture) -> (path: String, format: ImageFormat) {
        let own = input.format ?? ImageFormat(path: input.path) ?? .png
        let format = type.format(of: own)
        switch destination {
        case .file(let path):
            return (path, ImageFormat(path: path) ?? format)
        case .beside:
            return (beside(input) + "." + ending(of: input, format), format)
        case .folder(let folder):
            let separator = folder.hasSuffix("/") ? "" : "/"
            let subfolder = input.subfolder.isEmpty ? "" : input.subfolder + "/"
            let name = "\(input.stem)\(suffix).\(ending(of: input, format))"
            return ("\(folder)\(separator)\(subfolder)\(name)", format)
        }
    }

    private func beside(_ input: InputPicture) -> String {
        (input.path as NSString).deletingPathExtension + besideSuffix
    }

    /// What outputs of this run, and of one that wrote beside the inputs, are called without their
    /// endings, with the originals' paths. A picture found under such a name is such an output, perhaps
    /// of another type.
    func originals(of inputs: [InputPicture]) -> [FileKey: String] {
        if case .file = destination { return [:] }
        var originals: [FileKey: String] = [:]
        for input in inputs {
            if !besideSuffix.isEmpty { originals[FileKey(beside(input) + ".png").withoutEnding] = input.path }
            if !suffix.isEmpty { originals[FileKey(output(for: input).path).withoutEnding] = input.path }
        }
        return originals
    }

    /// With `same` the ending is kept as it is spelled, unless it says what the content is not.
    private func ending(of input: InputPicture, _ format: ImageFormat) -> String {
        if type == .same, ImageFormat(path: input.path) == format {
            return (input.path as NSString).pathExtension
        }
        return format == .png ? "png" : "jpg"
    }
}

extension InputItem {
    fileprivate var isStandardInput: Bool {
        if case .picture(let input) = self { input.isStandardInput } else { false }
    }
}
