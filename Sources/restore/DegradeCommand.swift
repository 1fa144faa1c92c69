import ArgumentParser
import Degradation
import Foundation
import ImageFiles
import ImageTensors
import Tensors
import Training

struct DegradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "degrade",
        abstract: "Makes test inputs from sharp pictures: blurred or small ones.",
        discussion: """
            The code that makes training inputs, for making pairs of your own. The same
            seed and file name give the same picture.

            Examples:
              restore degrade blur -o blurred photos/*.png
              restore degrade blur --kinds shake --extent 5,25 --seed 1 in.png -o out
              restore degrade sr --scale 4 -o small photos/*.png
              restore degrade real -o small photos/*.png
            """,
        subcommands: [Blur.self, SR.self, Real.self])

    /// What both have in common.
    struct Files: ParsableArguments {
        @Argument(
            help: "Sharp pictures, PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
        var inputs: [String]

        @Option(
            name: [.short, .long],
            help: "The folder to write PNG files of the same names into, made if missing.",
            completion: .directory)
        var output: String

        @Flag(name: [.short, .long], help: "Say nothing unless something fails.")
        var quiet = false

        /// Where the file of a picture goes in a folder.
        static func path(of name: String, in folder: String) -> String { "\(folder)/\(name).png" }

        /// Reads, changes and writes every picture.
        ///
        /// - Parameter other: another folder, with its flag, that `body` writes files of the same names into.
        func convert(
            other: (flag: String, folder: String)? = nil,
            _ body: (_ image: Image, _ name: String) throws -> (Image, String)
        ) throws {
            let jobs = inputs.map { input in
                let stem = ((input as NSString).lastPathComponent as NSString).deletingPathExtension
                return (input: input, stem: stem, output: Self.path(of: stem, in: output))
            }
            if let twice = Dictionary(grouping: jobs, by: \.output).first(where: { $0.value.count > 1 }) {
                throw CommandError.usage(
                    "'\(twice.key)' would be written twice: the inputs need names of their own")
            }
            let folders = [("--output", output)] + (other.map { [$0] } ?? [])
            if let other, FileKey(other.folder) == FileKey(output) {
                throw CommandError.usage("\(other.flag) and --output need folders of their own")
            }
            let sources = Set(jobs.map { FileKey($0.input) })
            for (flag, folder) in folders {
                for path in jobs.map({ Self.path(of: $0.stem, in: folder) })
                where sources.contains(FileKey(path)) {
                    throw CommandError.output("'\(path)' is an input: choose another \(flag)")
                }
            }
            for (_, folder) in folders { try OutputCheck.makeFolder(folder) }
            Interrupt.watch()
            for job in jobs {
                if Interrupt.isRequested { throw CancellationError() }
                let (picture, text) = try body(Image.read(from: job.input), job.stem)
                try picture.write(to: job.output)
                if !quiet { print("\(job.input) → \(job.output): \(text)") }
            }
        }
    }

    /// By the name, so that neither the order nor the number of files matters.
    static func stream(seed: UInt64, name: String) -> CounterStream {
        let key = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        return CounterStream(seed: seed, stream: key)
    }

    struct Blur: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "blur",
            abstract: "Blurs pictures as a camera does, with noise and JPEG.",
            discussion: """
                Blur is computed in linear light, with the picture mirrored at its edges; then
                come sRGB, sensor noise, JPEG and 8 bits. Each number is drawn anew for every
                picture, uniformly between the two that are given.

                Examples:
                  restore degrade blur -o blurred in.png
                  restore degrade blur --kinds defocus --radius 3,3 --noise 0,0 -o out in.png
                  restore degrade blur --kernels kernels -o blurred photos/*.png
                """)

        @OptionGroup var files: Files

        @Option(
            help: ArgumentHelp(
                "Among shake, linear, rotation, defocus, gaussian, scene and none, separated by commas; one is drawn for each picture. In a scene the camera moves, turns and nears.",
                valueName: "names"))
        var kinds = "shake,linear"

        @Option(help: ArgumentHelp("Length of motion in pixels, at most 41.", valueName: "low,high"))
        var extent = Pair(5, 25)

        @Option(help: ArgumentHelp("Radius of defocus in pixels, at most 20.", valueName: "low,high"))
        var radius = Pair(1, 5)

        @Option(
            help: ArgumentHelp("Standard deviation of gaussian in pixels, at most 10.", valueName: "low,high")
        )
        var sigma = Pair(0.5, 3)

        @Option(
            help: ArgumentHelp("Standard deviation of the sensor's noise, white is 1.", valueName: "low,high")
        )
        var noise = Pair(0, 0.01)

        @Option(
            help: ArgumentHelp("JPEG quality; without it there is no compression.", valueName: "low,high"))
        var jpeg: Pair?

        @Option(
            help: ArgumentHelp(
                "How many times as bright as white the light was where the picture is white, up to 100: lamps and skies that a sensor clips. Without it as bright as white.",
                valueName: "low,high"))
        var highlights: Pair?

        @Option(
            help:
                "Also write the kernels, as PNG files of the same names, into this folder; a scene has none.",
            completion: .directory)
        var kernels: String?

        @Option(help: "Seed of all that is drawn.")
        var seed: UInt64 = 0

        private func degradation() throws -> BlurDegradation {
            let names = kinds.split(separator: ",").map(String.init)
            let known = names.compactMap(BlurDegradation.Kind.init)
            guard known.count == names.count, !known.isEmpty else {
                let all = BlurDegradation.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--kinds takes names among \(all), separated by commas")
            }
            let settings = BlurDegradation(
                shares: Dictionary(known.map { ($0, 1) }, uniquingKeysWith: +), extent: extent.range,
                defocusRadius: radius.range, gaussianSigma: sigma.range, readNoise: noise.range,
                shotNoise: .init(0, 0), jpegShare: jpeg == nil ? 0 : 1,
                jpegQuality: (jpeg ?? Pair(90, 90)).range,
                highlightShare: highlights.map { _ in 1 }, highlights: highlights?.range)
            do { try settings.validate() } catch {
                // The settings have the recipe's names; the user gave flags.
                let flags = [
                    "extent": "--extent", "defocusRadius": "--radius", "gaussianSigma": "--sigma",
                    "readNoise": "--noise", "jpegQuality": "--jpeg", "highlights": "--highlights",
                ]
                let words = "\(error)".split(separator: " ").map { flags[String($0)] ?? String($0) }
                throw ValidationError(words.joined(separator: " "))
            }
            return settings
        }

        func validate() throws { _ = try degradation() }

        func run() throws {
            let settings = try degradation()
            try files.convert(other: kernels.map { ("--kernels", $0) }) { image, name in
                var random = DegradeCommand.stream(seed: seed, name: name)
                let draw = settings.draw(using: &random)
                let sharp = try image.fillingTransparentPixels().tensor(channels: 3)
                let margin = draw.margin
                let field = NoiseField(seed: random.next())
                let blurred = try BlurDegradation.degraded(
                    sharp.reflectPadded(by: margin), margin: margin, draws: [draw],
                    noise: field.tensor(step: 0, channels: 3, height: image.height, width: image.width))
                let colours = try image.colorChannels == 1 ? blurred.mean([1], keepDims: true) : blurred
                let whole = try Image(tensor: colours, metadata: image.metadata).takingAlpha(from: image)
                var text = draw.kind.rawValue
                if draw.scene == nil {
                    text += ", kernel \(draw.kernel.side)×\(draw.kernel.side)"
                    if let kernels { try draw.kernel.image().write(to: Files.path(of: name, in: kernels)) }
                }
                text += String(format: ", noise %.4f", draw.readNoise)
                if let quality = draw.jpegQuality { text += ", JPEG \(quality)" }
                if draw.highlight > 1 { text += String(format: ", highlights %.1f", draw.highlight) }
                return (whole, text)
            }
        }
    }

    struct SR: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sr",
            abstract: "Makes pictures small by antialiased bicubic, as super-resolution benchmarks do.",
            discussion: """
                Sides become the quotient rounded up, values 8 bits.

                Example:
                  restore degrade sr --scale 4 -o small in.png
                """)

        @OptionGroup var files: Files

        @Option(name: [.short, .long], help: "How many times smaller, from 1 to 16.")
        var scale = 4.0

        func validate() throws {
            guard scale.isFinite, (1...16).contains(scale) else {
                throw ValidationError("--scale must be from 1 to 16")
            }
        }

        func run() throws {
            try files.convert { image, _ in
                let small = try Downscaling(scale: scale)(
                    image.fillingTransparentPixels().tensor(channels: image.colorChannels))
                let whole = try Image(tensor: small, metadata: image.metadata).takingAlpha(from: image)
                return (whole, "\(image.width)×\(image.height) → \(whole.width)×\(whole.height)")
            }
        }
    }
}

extension DegradeCommand {
    struct Real: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "real",
            abstract: "Makes pictures small, blurred, noisy and compressed, as they are found.",
            discussion: """
                What a model for such pictures was trained on, drawn anew for every picture:
                the degradation is read from the recipe in the model's card, or from --recipe.
                Pictures are first cropped to a multiple of the scale.

                Examples:
                  restore degrade real -o small photos/*.png
                  restore degrade real --recipe my.yaml --seed 3 -o small in.png
                """)

        @OptionGroup var files: Files

        @Option(help: "A super-resolution model whose recipe states a degradation.")
        var model = "sr3-x4-real"

        @Option(help: "A recipe, instead of the model's.", completion: .file(extensions: ["yaml"]))
        var recipe: String?

        @Option(help: "Seed of all that is drawn.")
        var seed: UInt64 = 0

        private func loaded() throws -> (degradation: SecondOrderDegradation, scale: Int) {
            let source = try recipe ?? ModelStore.path(of: model)
            let found: Recipe
            if let recipe {
                found = try Recipe(path: recipe)
            } else {
                guard let text = try openWeights(source).metadata["recipe"] else {
                    throw CommandError.usage("'\(source)' has no recipe in its card: give one with --recipe")
                }
                found = try Recipe(yaml: text, path: source)
            }
            guard case .sr3(let configuration, let degradation?) = found.task else {
                throw CommandError.usage("'\(source)' states no degradation for super-resolution")
            }
            return (degradation, configuration.scale)
        }

        func run() throws {
            let (degradation, scale) = try loaded()
            try files.convert { image, name in
                var random = DegradeCommand.stream(seed: seed, name: name)
                let (height, width) = (image.height / scale, image.width / scale)
                guard height > 0, width > 0 else {
                    throw DataError("'\(name)' is smaller than the scale, \(scale)")
                }
                let hr = try image.fillingTransparentPixels().tensor(channels: 3)
                    .cropped(height: height * scale, width: width * scale)
                let small = try SecondOrderDegradation.degraded(
                    hr, height: height, width: width, draws: degradation.draws(1, using: &random))
                let colours = try image.colorChannels == 1 ? small.mean([1], keepDims: true) : small
                let whole = try Image(tensor: colours, metadata: image.metadata)
                return (whole, "\(image.width)×\(image.height) → \(width)×\(height)")
            }
        }
    }
}

/// Two numbers with a comma between, the first not above the second; one number stands for both.
struct Pair: ExpressibleByArgument, CustomStringConvertible {
    let range: BlurDegradation.Range

    init(_ low: Double, _ high: Double) { range = .init(low, high) }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard let low = parts.first ?? nil, let high = parts.last ?? nil, parts.count <= 2, low.isFinite,
            high.isFinite, low <= high
        else { return nil }
        range = .init(low, high)
    }

    var description: String { defaultValueDescription }

    var defaultValueDescription: String {
        [range.low, range.high].map { $0 == $0.rounded() ? String(Int($0)) : String($0) }.joined(
            separator: ",")
    }
}
