import Foundation
import Testing

/// What is wrong with the command itself: status 64, and nothing is touched.
@Suite("Command line: wrong use")
struct UsageErrorTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try TestPictures.waves().write(to: folder.file("in.png"))
        try TestPictures.waves().write(to: folder.file("in.jpg"))
        try folder.write("an older result", as: "in_x4.png")
    }

    struct Case: CustomTestStringConvertible {
        let arguments: [String]
        let causes: [String]
        init(_ arguments: String, _ causes: String...) {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.causes = causes
        }
        var testDescription: String { arguments.joined(separator: " ") }
    }

    @Test(arguments: [
        Case("--bogus in.png", "--bogus"), Case("", "inputs"), Case("--scale 0 in.png", "--scale", "1 to 16"),
        Case("--scale 17 in.png", "--scale"), Case("--scale 0.99 in.png", "--scale"),
        Case("--scale nan in.png", "--scale"), Case("--scale inf in.png", "--scale"),
        Case("--scale=-4 in.png", "--scale"), Case("--scale four in.png", "--scale", "four"),
        Case("in.png --scale", "--scale"), Case("--steps 0 in.png", "--steps"),
        Case("--steps=-3 in.png", "--steps"), Case("--steps 2001 in.png", "--steps", "1 to 2000"),
        Case("--steps 99999999999999999999 in.png", "--steps"),
        Case("--schedule linear:1e-4:0.1:100 --steps 101 in.png", "--steps", "1 to 100"),
        Case("--samples 0 in.png", "--samples"), Case("--samples 1001 in.png", "--samples"),
        Case("--eta 2 in.png", "--eta"), Case("--eta nan in.png", "--eta"),
        Case("--variance 2.1 in.png", "--variance"), Case("--temperature 1.5 in.png", "--temperature"),
        Case("--sampler euler in.png", "--sampler", "ddpm", "ddim", "dpm"),
        Case("--schedule garbage in.png", "--schedule", "garbage", "linear:LOW:HIGH:STEPS"),
        Case("--schedule linear:1:2 in.png", "--schedule"),
        Case("--schedule linear:0:1e-2:100 in.png", "--schedule"),
        Case("--schedule linear:nan:1e-2:100 in.png", "--schedule"),
        Case("--schedule cosine:0 in.png", "--schedule"),
        Case("--schedule cosine:9999999999 in.png", "--schedule"),
        Case("--seed minus in.png", "--seed"), Case("--quality 0 in.png", "--quality"),
        Case("--quality 101 in.png", "--quality"), Case("--threads 0 in.png", "--threads"),
        Case("-o out.gif in.png", "out.gif", ".png"), Case("-o out in.png", "'out'"),
        Case("--compare both.bmp in.png", "both.bmp"), Case("-o out.png in.png in.jpg", "--output"),
        Case("--compare both.png in.png in.jpg", "--compare"), Case("in.png in.jpg", "in_x4.png", "twice"),
        Case("-o out.png --compare out.png in.png", "out.png", "twice"),
        Case("--device gpu in.png", "--device", "gpu"), Case("--device cuda in.png", "--device", "CUDA"),
        Case("--device cuda:7 in.png", "--device"), Case("--device cuda:x in.png", "--device", "cuda:x"),
        Case("--device cpu:0 in.png", "--device", "cpu:0"),
        Case("--precision int4 in.png", "--precision", "int4", "float32", "int8"),
    ])
    func refusedWithOneSentence(wrong: Case) throws {
        let outcome = try expectFailure(
            ["sr", "--model", TestModels.tiny] + wrong.arguments, in: folder, status: 64)
        for cause in wrong.causes { #expect(outcome.errors.contains(cause), "\(outcome.errors)") }
    }

    @Test func scheduleThatDoesNotEndNearZeroIsExplained() throws {
        try expectFailure(
            ["sr", "--model", TestModels.tiny, "--schedule", "linear:1e-6:1e-2:100", "in.png"], in: folder,
            status: 64,
            naming: "--schedule", "ᾱ_T = 0.605", "pure noise", "more steps")
    }

    @Test(arguments: [
        Case("train", "recipe"), Case("train recipe.yaml", "--output"),
        Case("eval sr --steps 1,x --data .", "--steps"), Case("eval sr --steps 0 --data .", "--steps"),
        Case("eval sr --limit 0 --data .", "--limit"), Case("eval sr", "--data"),
        Case("datasets check", "name"), Case("datasets check set14", "--data"),
        Case("benchmark --size 1", "--size"), Case("benchmark --repeat 0", "--repeat"),
        Case("models export", "recipe"),
    ])
    func otherCommandsToo(wrong: Case) throws {
        let outcome = try expectFailure(wrong.arguments, in: folder, status: 64)
        for cause in wrong.causes { #expect(outcome.errors.contains(cause), "\(outcome.errors)") }
    }
}
