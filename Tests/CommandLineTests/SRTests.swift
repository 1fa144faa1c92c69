import Foundation
import ImageFiles
import Testing

@Suite("Command line: restore sr")
struct SRTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func write(_ image: Image, as name: String = "in.png") throws {
        try image.write(to: folder.file(name))
    }

    private func differences(_ a: String, _ b: String) throws -> Int {
        let (a, b) = try (folder.image(a), folder.image(b))
        return zip(a.samples, b.samples).count { $0 != $1 }
    }

    /// The mean of all samples, 0…1.
    private func brightness(_ image: Image) -> Double {
        let sum = image.samples.reduce(0) { $0 + Int($1) }
        return Double(sum) / Double(image.samples.count * image.maxSample)
    }

    /// Where the processor has it, another picture and nearly the same; else one sentence and nothing written.
    @Test(arguments: [("int16", "AVX2"), ("int8", "VNNI")])
    func integersRoundOrAreRefused(_ precision: String, _ instructions: String) throws {
        try write(TestPictures.waves(width: 24, height: 20))
        try enlarge("in.png", "-o", "exact.png", in: folder)
        let arguments = ["--precision", precision, "in.png", "-o", "rounded.png"]
        let outcome = try Executable.run(["sr", "--model", TestModels.tiny] + arguments, in: folder.path)
        guard outcome.status == 0 else {
            #expect(outcome.status == 64)
            #expect(
                outcome.errors.contains("--precision: \(precision) needs a processor with \(instructions)"))
            #expect(!folder.exists("rounded.png"))
            return
        }
        let (exact, rounded) = (try folder.image("exact.png"), try folder.image("rounded.png"))
        let differences = zip(exact.samples, rounded.samples).map { abs(Int($0) - Int($1)) }
        #expect(differences.contains { $0 > 0 })
        #expect(Double(differences.reduce(0, +)) / Double(differences.count) < 2)
    }

    // MARK: sizes and names

    @Test(arguments: [
        ("1", 1.0), ("1.5", 1.5), ("2", 2), ("2.5", 2.5), ("2.7", 2.7), ("3", 3), ("4", 4), ("5", 5),
        ("16", 16),
    ])
    func outputHasTheRoundedSize(name: String, scale: Double) throws {
        let sizes = [(7, 5), (1, 1), (13, 2)]
        for (width, height) in sizes {
            try write(TestPictures.waves(width: width, height: height), as: "\(width).png")
        }
        try enlarge("--scale", name, "7.png", "1.png", "13.png", in: folder)
        for (width, height) in sizes {
            let output = try folder.image("\(width)_x\(name).png")
            #expect(output.width == Int((Double(width) * scale).rounded()))
            #expect(output.height == Int((Double(height) * scale).rounded()))
        }
        #expect(folder.names.count == 6)
    }

    @Test func outputLiesBesideTheInputWhereverOneStands() throws {
        try folder.write(TestPictures.waves().encoded(as: .png), as: "deep/er.dir/photo.one.png")
        try enlarge("deep/er.dir/photo.one.png", in: folder)
        #expect(folder.exists("deep/er.dir/photo.one_x4.png"))
        let elsewhere = try TestFolder()
        try enlarge("--scale", "2", folder.file("deep/er.dir/photo.one.png"), in: elsewhere)
        #expect(folder.exists("deep/er.dir/photo.one_x2.png"))
        #expect(elsewhere.names.isEmpty)
    }

    @Test func namesWithSpacesAndLetters() throws {
        try write(TestPictures.waves(), as: "ein Bild von Ö.png")
        try enlarge("ein Bild von Ö.png", "-o", "aus gabe.PNG", in: folder)
        #expect(try folder.image("aus gabe.PNG").width == 28)
        try write(TestPictures.waves(), as: "-dash.png")
        try enlarge("--", "-dash.png", in: folder)
        #expect(folder.exists("-dash_x4.png"))
    }

    // MARK: kinds of pictures

    @Test func everyKindOfPNGKeepsChannelsAndDepth() throws {
        var names: [String] = []
        for bitDepth in [8, 16] {
            for channels in 1...4 {
                names.append("\(bitDepth)-\(channels)")
                try write(
                    TestPictures.waves(channels: channels, bitDepth: bitDepth),
                    as: "\(bitDepth)-\(channels).png")
            }
        }
        try succeed(["sr", "--model", TestModels.tiny] + names.map { $0 + ".png" }, in: folder)
        for name in names {
            let (input, output) = try (folder.image("\(name).png"), folder.image("\(name)_x4.png"))
            #expect(output.channels == input.channels, "\(name)")
            #expect(output.bitDepth == input.bitDepth, "\(name)")
            #expect(output.width == 28, "\(name)")
            #expect(
                try output.alpha()?.samples == output.takingAlpha(from: input).alpha()?.samples, "\(name)")
            // The picture is still the same one: its mean colour is.
            #expect(abs(brightness(input) - brightness(output)) < 0.02, "\(name)")
        }
    }

    @Test func palettesBecomeColours() throws {
        try folder.write(TestPictures.palettePNG(width: 9, height: 6), as: "palette.png")
        try enlarge("palette.png", in: folder)
        let output = try folder.image("palette_x4.png")
        #expect(output.channels == 3)
        #expect(output.width == 36)
        #expect(output.height == 24)
        // The corner's colour is red.
        #expect(output.samples[0] > output.samples[1] + 50)
    }

    /// Stored with its top at the right; 9 by 5 pixels are seen as 5 by 9.
    @Test func orientationIsObeyed() throws {
        let samples = (0..<45).flatMap { [UInt16](repeating: $0 < 18 ? 230 : 20, count: 3) }
        let stored = try Image(
            width: 9, height: 5, channels: 3, bitDepth: 8, samples: samples,
            metadata: ImageMetadata(exif: TestPictures.exif(orientation: 6)))
        try write(stored, as: "turned.jpg")
        try enlarge("turned.jpg", in: folder)
        // The size that the file states, whatever it says of turning.
        let header = try folder.bytes("turned_x4.png")[16..<24]
        #expect(Array(header) == [0, 0, 0, 20, 0, 0, 0, 36])
        let output = try folder.image("turned_x4.png")
        #expect(output.width == 20)
        #expect(output.height == 36)
        // The first rows are bright as stored: the right columns are as seen.
        let middle = 18 * 20 * 3
        #expect(output.samples[middle + 17 * 3] > 180)
        #expect(output.samples[middle + 2 * 3] < 70)
    }

    @Test func grayJPEGAndJPEGOutput() throws {
        try write(TestPictures.waves(width: 12, height: 10, channels: 1), as: "gray.jpg")
        try enlarge("gray.jpg", "-o", "out.jpeg", in: folder)
        #expect(try folder.bytes("out.jpeg").prefix(3) == [0xFF, 0xD8, 0xFF])
        #expect(try folder.image("out.jpeg").channels == 1)
        try write(TestPictures.waves(width: 12, height: 10), as: "in.png")
        try enlarge("in.png", "-o", "good.jpg", in: folder)
        try enlarge("in.png", "-o", "bad.jpg", "--quality", "5", in: folder)
        #expect(try folder.bytes("bad.jpg").count * 2 < folder.bytes("good.jpg").count)
    }

    @Test func metadataIsKept() throws {
        let metadata = ImageMetadata(pngTexts: [PNGText(keyword: "Title", text: "waves at noon")])
        try write(TestPictures.waves(metadata: metadata))
        try enlarge("in.png", in: folder)
        #expect(try folder.image("in_x4.png").metadata.pngTexts == metadata.pngTexts)
    }

    // MARK: what is printed

    @Test func oneLineForEachPicture() throws {
        for name in ["a.png", "b.png"] { try write(TestPictures.waves(), as: name) }
        let lines = try enlarge("a.png", "b.png", "--scale", "3", "--samples", "2", in: folder).outputLines
        #expect(lines.count == 3)
        for (line, name) in zip(lines, ["a", "b"]) {
            #expect(
                line.hasPrefix("\(name).png → \(name)_x3.png: 7×5 → 21×15, 2 ddim steps × 2 samples, "),
                "\(line)")
            #expect(line.hasSuffix(" s"), "\(line)")
        }
        #expect(lines.last?.hasPrefix("2 restored, 0 skipped, 0 failed, ") == true)
    }

    @Test(arguments: ["--quiet", "-q"]) func quietSaysNothing(flag: String) throws {
        try write(TestPictures.waves())
        #expect(try enlarge("in.png", flag, in: folder).output.isEmpty)
        #expect(folder.exists("in_x4.png"))
    }

    // MARK: sampling

    @Test func sameSeedGivesTheSameBytes() throws {
        try write(TestPictures.waves(width: 40, height: 30))
        let common = [
            "in.png", "--quiet", "--steps", "3", "--seed", "11", "--sampler", "ddpm", "--model",
            try TestModels.tiny,
        ]
        for (name, more) in [("a.png", []), ("b.png", ["--threads", "1"]), ("c.png", ["--threads", "2"])] {
            try succeed(["sr"] + common + ["-o", name] + more, in: folder)
        }
        let bytes = try folder.bytes("a.png")
        #expect(try folder.bytes("b.png") == bytes)
        #expect(try folder.bytes("c.png") == bytes)
        try succeed(["sr"] + common + ["-o", "d.png", "--seed", "12"], in: folder)
        #expect(try differences("a.png", "d.png") > 1000)
    }

    /// Each flag on its own makes another picture.
    @Test func everyFlagMatters() throws {
        try write(TestPictures.waves(width: 10, height: 8))
        let variants: [(name: String, flags: [String])] = [
            ("plain", []), ("ddpm", ["--sampler", "ddpm"]), ("dpm", ["--sampler", "dpm"]),
            ("eta", ["--eta", "0.5"]),
            ("low", ["--sampler", "ddpm", "--variance", "0"]),
            ("high", ["--sampler", "ddpm", "--variance", "2"]),
            ("temperature", ["--temperature", "0.5"]), ("samples", ["--samples", "3"]),
            ("steps", ["--steps", "4"]),
            ("schedule", ["--schedule", "cosine:50"]), ("free", ["--no-consistency"]),
            ("seed", ["--seed", "1"]),
        ]
        for variant in variants {
            try succeed(
                ["sr", "in.png", "--model", TestModels.tiny, "--steps", "3", "-o", "\(variant.name).png"]
                    + variant.flags,
                in: folder)
        }
        for (index, one) in variants.enumerated() {
            for other in variants[..<index] {
                #expect(
                    try differences("\(one.name).png", "\(other.name).png") > 50,
                    "\(one.name) and \(other.name)")
            }
        }
    }

    /// DDIM with η = 1 is ancestral sampling with the posterior variance, to rounding.
    @Test func samplersAgreeWhereTheyAreTheSame() throws {
        try write(TestPictures.waves(width: 10, height: 8))
        try enlarge("in.png", "-o", "ddim.png", "--steps", "4", "--eta", "1", in: folder)
        try enlarge("in.png", "-o", "ddpm.png", "--steps", "4", "--sampler", "ddpm", in: folder)
        #expect(try differences("ddim.png", "ddpm.png") < 20)
        try enlarge(
            "in.png", "-o", "other.png", "--steps", "4", "--sampler", "ddpm", "--variance", "0.5", in: folder)
        #expect(try differences("other.png", "ddpm.png") > 500)
    }

    @Test func givenDefaultsChangeNothing() throws {
        try write(TestPictures.waves())
        try enlarge("in.png", "-o", "plain.png", in: folder)
        try enlarge(
            "in.png", "-o", "spelled.png", "--scale", "4", "--steps", "2", "--sampler", "ddim", "--eta", "0",
            "--temperature", "1", "--schedule", "linear:1e-6:1e-2:2000", "--seed", "0", "--samples", "1",
            "--consistency", "--device", "cpu", in: folder)
        #expect(try folder.bytes("plain.png") == folder.bytes("spelled.png"))
    }

    @Test func schedulesAndSteps() throws {
        try write(TestPictures.waves())
        let schedule = ["--schedule", "linear:1e-4:0.1:100"]
        let some = try enlarge("in.png", schedule[0], schedule[1], "--steps", "3", in: folder)
        #expect(some.output.contains(", 3 ddim steps, "))
        let all = try enlarge("in.png", schedule[0], schedule[1], "--sampler", "dpm", in: folder)
        #expect(all.output.contains(", 100 dpm steps, "))
    }

    @Test func compareShowsBicubicAndResult() throws {
        try write(TestPictures.waves(width: 9, height: 6, channels: 2))
        try enlarge("in.png", "-o", "out.png", "--compare", "both.png", "--scale", "3", in: folder)
        let (input, output) = try (folder.image("in.png"), folder.image("out.png"))
        let both = try folder.image("both.png")
        #expect(both.width == 2 * 27 + 8)
        #expect(both.height == 18)
        let bicubic = try input.resized(width: 27, height: 18)
        let parts = try [bicubic, output].map { try $0.compositedOverWhite().rgb().samples }
        #expect(try both.cropping(x: 0, y: 0, width: 27, height: 18).samples == parts[0])
        #expect(try both.cropping(x: 35, y: 0, width: 27, height: 18).samples == parts[1])
        #expect(try both.cropping(x: 27, y: 0, width: 8, height: 18).samples.allSatisfy { $0 == 255 })
        #expect(parts[0] != parts[1])
    }

    @Test func anOlderOutputIsReplaced() throws {
        try write(TestPictures.waves())
        try folder.write("an older result", as: "in_x4.png")
        try enlarge("in.png", in: folder)
        #expect(try folder.image("in_x4.png").width == 28)
        #expect(folder.names == ["in.png", "in_x4.png"])
    }

    // MARK: interruption

    @Test func interruptLeavesNothing() throws {
        try write(TestPictures.waves())
        let outcome = try Executable.run(
            ["sr", "in.png", "--model", TestModels.tiny, "--steps", "1000", "--samples", "1000"],
            in: folder.path,
            interruption: Executable.waitUntilCatchingInterrupt)
        #expect(outcome.status == 130)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("interrupted"))
        #expect(folder.names == ["in.png"])
    }
}
