import Foundation
import ImageFiles
import Testing

@Suite("Command line: restore degrade")
struct DegradeTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try TestPictures.waves(width: 60, height: 44).write(to: folder.file("in.png"))
    }

    /// The sum of squared differences of neighbours: what blur takes away.
    private func sharpness(_ image: Image) -> Int {
        var sum = 0
        for y in 0..<image.height {
            for x in 1..<image.width {
                let place = (y * image.width + x) * image.channels
                let difference = Int(image.samples[place]) - Int(image.samples[place - image.channels])
                sum += difference * difference
            }
        }
        return sum
    }

    @Test func blurBlurs() throws {
        let outcome = try succeed(
            ["degrade", "blur", "--noise", "0", "-o", "out", "in.png"], in: folder)
        #expect(outcome.output.contains("kernel"))
        let (input, output) = try (folder.image("in.png"), folder.image("out/in.png"))
        #expect(output.width == 60 && output.height == 44 && output.channels == 3)
        #expect(Double(sharpness(output)) < 0.6 * Double(sharpness(input)))
    }

    @Test func nothingAskedForIsNothingDone() throws {
        try succeed(
            ["degrade", "blur", "--kinds", "none", "--noise", "0", "-o", "out", "in.png"], in: folder)
        #expect(try folder.image("out/in.png").samples == folder.image("in.png").samples)
    }

    @Test func seedAndNameDecide() throws {
        for (seed, out) in [("1", "a"), ("1", "b"), ("2", "c")] {
            try succeed(["degrade", "blur", "--seed", seed, "-o", out, "in.png"], in: folder)
        }
        #expect(try folder.bytes("a/in.png") == folder.bytes("b/in.png"))
        #expect(try folder.bytes("a/in.png") != folder.bytes("c/in.png"))
        // Neither the order nor the company of a file matters.
        try TestPictures.waves(width: 60, height: 44).write(to: folder.file("other.png"))
        try succeed(["degrade", "blur", "--seed", "1", "-o", "d", "other.png", "in.png"], in: folder)
        #expect(try folder.bytes("a/in.png") == folder.bytes("d/in.png"))
        #expect(try folder.bytes("d/other.png") != folder.bytes("d/in.png"))
    }

    @Test func everyKindOfBlurAndPicture() throws {
        for (index, kind) in ["shake", "linear", "rotation", "defocus", "gaussian", "none"].enumerated() {
            let channels = index % 4 + 1
            try TestPictures.waves(width: 9, height: 3, channels: channels, bitDepth: index % 2 == 0 ? 8 : 16)
                .write(to: folder.file("kind.png"))
            try succeed(
                ["degrade", "blur", "--kinds", kind, "--jpeg", "60,90", "-o", "out", "kind.png"], in: folder)
            let output = try folder.image("out/kind.png")
            #expect(output.width == 9 && output.height == 3 && output.channels == channels, "\(kind)")
        }
        try TestPictures.waves(width: 1, height: 1).write(to: folder.file("dot.png"))
        try succeed(["degrade", "blur", "--extent", "41", "-o", "out", "dot.png"], in: folder)
        #expect(try folder.image("out/dot.png").width == 1)
    }

    @Test func srMakesSmall() throws {
        let outcome = try succeed(["degrade", "sr", "--scale", "4", "-o", "small", "in.png"], in: folder)
        #expect(outcome.output.contains("60×44 → 15×11"))
        let small = try folder.image("small/in.png")
        #expect(small.width == 15 && small.height == 11)
        try succeed(["degrade", "sr", "--scale", "7", "-q", "-o", "small", "in.png"], in: folder)
        #expect(try folder.image("small/in.png").width == 9, "the quotient is rounded up")
    }

    @Test(arguments: [
        (["blur", "-o", "out"], "inputs"), (["blur", "in.png"], "--output"),
        (["blur", "--kinds", "wobble", "-o", "out", "in.png"], "shake"),
        (["blur", "--kinds", "", "-o", "out", "in.png"], "--kinds"),
        (["blur", "--extent", "5,50", "-o", "out", "in.png"], "--extent"),
        (["blur", "--extent", "9,5", "-o", "out", "in.png"], "--extent"),
        (["blur", "--extent", "x", "-o", "out", "in.png"], "--extent"),
        (["blur", "--radius", "1,30", "-o", "out", "in.png"], "--radius"),
        (["blur", "--jpeg", "0,200", "-o", "out", "in.png"], "--jpeg"),
        (["blur", "--highlights", "0.5,2", "-o", "out", "in.png"], "--highlights"),
        (["blur", "-o", "out", "in.png", "./in.png"], "twice"),
        (["sr", "--scale", "0", "-o", "out", "in.png"], "--scale"),
        (["sr", "--scale", "nan", "-o", "out", "in.png"], "--scale"),
    ])
    func wrongUse(arguments: [String], cause: String) throws {
        try expectFailure(["degrade"] + arguments, in: folder, status: 64, naming: cause)
    }

    @Test func inputsAreNeverOverwritten() throws {
        let before = try folder.bytes("in.png")
        try expectFailure(["degrade", "blur", "-o", ".", "in.png"], in: folder, status: 73, naming: "in.png")
        #expect(try folder.bytes("in.png") == before)
    }

    @Test func filesInTheWay() throws {
        try folder.write("text", as: "text.png")
        try expectFailure(
            ["degrade", "sr", "-o", "text.png", "in.png"], in: folder, status: 73,
            naming: "'text.png' cannot be made")
        let outcome = try Executable.run(["degrade", "blur", "-o", "out", "absent.png"], in: folder.path)
        #expect(outcome.status == 66 && outcome.errors.contains("absent.png"))
    }

    /// The degradation of a recipe, drawn by seed and name; from a model's card as well.
    @Test func realPicturesAreMadeFromARecipe() throws {
        let degradation = """
            degradation:
              plainShare: 0
              rounds:
                - { blurShare: 1, blurSigma: [1, 2], resize: [0.5, 1], noiseShare: 1, noise: [0.01, 0.02], \
            grayNoiseShare: 0.5, jpegShare: 1, jpegQuality: [40, 60] }
            model:
            """
        try folder.write(
            TrainTests.recipe(steps: 3).replacingOccurrences(of: "model:", with: degradation),
            as: "real.yaml")
        func small(_ seed: Int, _ output: String) throws -> [UInt8] {
            try succeed(
                ["degrade", "real", "--recipe", "real.yaml", "--seed", "\(seed)", "-o", output, "in.png"],
                in: folder)
            return try folder.bytes("\(output)/in.png")
        }
        let first = try small(1, "a")
        #expect(try small(1, "b") == first)
        #expect(try small(2, "c") != first)
        let (large, made) = (try folder.image("in.png"), try folder.image("a/in.png"))
        #expect(made.width == large.width / 4 && made.height == large.height / 4)
        try folder.write(TrainTests.recipe(steps: 3), as: "plain.yaml")
        try expectFailure(
            ["degrade", "real", "--recipe", "plain.yaml", "-o", "out", "in.png"], in: folder, status: 64,
            naming: "plain.yaml", "no degradation")
        try expectFailure(
            ["degrade", "real", "--model", "absent.safetensors", "-o", "out", "in.png"], in: folder,
            status: 66, naming: "absent.safetensors")
    }
}
