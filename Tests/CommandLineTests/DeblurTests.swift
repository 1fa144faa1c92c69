import Foundation
import ImageFiles
import Testing

@Suite("Command line: restore deblur")
struct DeblurTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try TestPictures.waves(width: 20, height: 14).write(to: folder.file("in.png"))
    }

    @discardableResult
    private func deblur(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws
        -> Executable.Outcome
    {
        try succeed(
            ["deblur", "--model", TestModels.tinyDeblur] + arguments, in: folder,
            sourceLocation: sourceLocation)
    }

    @Test(arguments: [(1, 1), (3, 517), (517, 3), (7, 5), (64, 33)])
    func anySizeIsKept(width: Int, height: Int) throws {
        try TestPictures.waves(width: width, height: height).write(to: folder.file("odd.png"))
        try deblur("odd.png")
        let output = try folder.image("odd_deblurred.png")
        #expect(output.width == width && output.height == height)
    }

    @Test func everyKindOfPNGKeepsChannelsAndDepth() throws {
        for bitDepth in [8, 16] {
            for channels in 1...4 {
                let image = try TestPictures.waves(channels: channels, bitDepth: bitDepth)
                try image.write(to: folder.file("kind.png"))
                for flags in [[], ["--predictor-only"]] {
                    try succeed(
                        ["deblur", "--model", TestModels.tinyDeblur, "kind.png", "-o", "out.png"] + flags,
                        in: folder)
                    let output = try folder.image("out.png")
                    #expect(output.channels == channels && output.bitDepth == bitDepth)
                    #expect(try output.alpha()?.samples == image.alpha()?.samples)
                }
            }
        }
    }

    @Test func jpegInAndOut() throws {
        try TestPictures.waves(width: 30, height: 20).write(to: folder.file("in.jpg"))
        try deblur("in.jpg", "-o", "out.jpg", "--quality", "80")
        #expect(try folder.image("out.jpg").width == 30)
    }

    @Test func theSeedDecides() throws {
        try deblur("in.png", "-o", "a.png", "--seed", "5")
        try deblur("in.png", "-o", "b.png", "--seed", "5")
        try deblur("in.png", "-o", "c.png", "--seed", "6")
        try deblur("in.png", "-o", "p.png", "--predictor-only")
        #expect(try folder.bytes("a.png") == folder.bytes("b.png"))
        #expect(try folder.bytes("a.png") != folder.bytes("c.png"))
        #expect(try folder.bytes("a.png") != folder.bytes("p.png"))
    }

    @Test func theDeconvolvedPictureCanBeHadAlone() throws {
        try folder.write(
            TestPictures.waves(width: 90, height: 70).encoded(as: .png), as: "sharp/a.png")
        try succeed(
            ["degrade", "blur", "--kinds", "linear", "--extent", "5,5", "-o", "blurred", "sharp/a.png"],
            in: folder)
        let model = ["--model", try TestModels.tinyDeconvolving]
        let outcome = try succeed(
            ["deblur", "blurred/a.png", "-o", "d.png", "--deconvolution-only", "--json"] + model, in: folder)
        #expect(outcome.output.contains("\"method\":\"deconvolution only\""), "\(outcome.output)")
        try succeed(["deblur", "blurred/a.png", "-o", "p.png", "--predictor-only"] + model, in: folder)
        let pictures = try ["blurred/a.png", "d.png", "p.png"].map { try folder.image($0) }
        #expect(pictures.allSatisfy { $0.width == 90 && $0.height == 70 })
        #expect(Set(pictures.map(\.samples)).count == 3)
        // In a table it has a row of its own, of the very same picture.
        let table = try succeed(
            ["eval", "deblur", "--blurred", "blurred", "--sharp", "sharp"] + model, in: folder)
        let rows = table.outputLines.filter { $0.contains("| deconvolution |") }
        #expect(rows.count == 1 && table.output.contains("| predictor |"))
        print(rows.first ?? "")
        // In how many ways blur was looked for is a condition of what was measured.
        for ways in ["1", "3"] {
            try succeed(
                [
                    "eval", "deblur", "--blurred", "blurred", "--sharp", "sharp", "--blur-estimates", ways,
                    "--json", "\(ways).json",
                ] + model, in: folder)
            let json = String(decoding: try folder.bytes("\(ways).json"), as: UTF8.self)
            #expect(json.contains("\"blurEstimates\" : \"\(ways)\""), "\(json.prefix(400))")
            #expect(json.contains("\"lightExponent\" : \"chosen\""))
        }
        // So is of which light it was divided out.
        try succeed(
            ["deblur", "blurred/a.png", "-o", "l.png", "--deconvolution-only", "--light-exponent", "2"]
                + model,
            in: folder)
        #expect(try folder.image("l.png").samples != pictures[1].samples)
        try succeed(
            [
                "eval", "deblur", "--blurred", "blurred", "--sharp", "sharp", "--light-exponent", "2",
                "--json",
                "light.json",
            ] + model, in: folder)
        let json = String(decoding: try folder.bytes("light.json"), as: UTF8.self)
        #expect(json.contains("\"lightExponent\" : \"2.0\""), "\(json.prefix(400))")
    }

    @Test func theKernelIsWrittenAndGiven() throws {
        try folder.write(TestPictures.waves(width: 90, height: 70).encoded(as: .png), as: "sharp/a.png")
        try succeed(
            [
                "degrade", "blur", "--kinds", "linear", "--extent", "5,5", "--noise", "0", "-o", "blurred",
                "--kernels", "kernels", "sharp/a.png",
            ], in: folder)
        let made = try folder.image("kernels/a.png")
        #expect(made.width == made.height && (5...7).contains(made.width) && made.channels == 1)
        let model = ["--model", try TestModels.tinyDeconvolving]
        for flag in ["--predictor-only", "--deconvolution-only", "--samples=2"] {
            let common = ["deblur", "blurred/a.png", flag] + model
            try succeed(common + ["-o", "found.png", "--save-kernel", "found-kernel.png"], in: folder)
            let kernel = try folder.image("found-kernel.png")
            #expect(kernel.bitDepth == 16 && kernel.width == kernel.height && kernel.width % 2 == 1)
            let outcome = try succeed(
                common + ["-o", "again.png", "--kernel", "found-kernel.png", "--save-kernel", "same.png"],
                in: folder)
            #expect(outcome.output.contains("given blur"), "\(outcome.output)")
            let (found, again) = (try folder.image("found.png"), try folder.image("again.png"))
            let largest = zip(found.samples, again.samples).map { abs(Int($0) - Int($1)) }.max() ?? 255
            #expect(largest <= 1, "\(flag): \(largest) levels")
            try succeed(common + ["-o", "true.png", "--kernel", "kernels/a.png"], in: folder)
            #expect(try folder.image("true.png").samples != found.samples)
        }
        // The true kernel leaves less to find than any that is looked for.
        func gain(_ flags: [String]) throws -> Double {
            let table = try succeed(
                ["eval", "deblur", "--blurred", "blurred", "--sharp", "sharp"] + flags + model, in: folder)
            let row = try #require(table.outputLines.first { $0.contains("| deconvolution |") })
            return try #require(Double(row.split(separator: "|")[3].trimmingCharacters(in: .whitespaces)))
        }
        let (looked, given) = (try gain([]), try gain(["--kernels", "kernels"]))
        print("deconvolution: \(looked) dB, with the true kernel \(given) dB")
        #expect(given > looked + 0.5)
    }

    @Test func kernelsThatCannotBe() throws {
        try TestPictures.waves(width: 300, height: 200).write(to: folder.file("photo.png"))
        try Image(width: 9, height: 9, channels: 1, bitDepth: 8, samples: Array(repeating: 0, count: 81))
            .write(to: folder.file("black.png"))
        let model = ["--model", try TestModels.tinyDeconvolving]
        func fails(_ arguments: [String], status: Int32, naming part: String) throws {
            try expectFailure(["deblur"] + arguments, in: folder, status: status, naming: part)
        }
        try fails(
            ["in.png", "--kernel", "photo.png"] + model, status: 65,
            naming: "photo.png': a kernel has at most 85")
        try fails(["in.png", "--kernel", "black.png"] + model, status: 65, naming: "black.png")
        try fails(["in.png", "--kernel", "none.png"] + model, status: 66, naming: "none.png")
        try fails(
            ["in.png", "--kernel", "black.png", "--blur-estimates", "2"], status: 64,
            naming: "--blur-estimates")
        try fails(["in.png", "photo.png", "--save-kernel", "k.png"], status: 64, naming: "--save-kernel")
        try fails(["in.png", "--save-kernel", "k.jpg"], status: 64, naming: "k.jpg")
        try fails(["in.png", "--save-kernel", "in.png"], status: 64, naming: "in.png")
        try fails(
            ["in.png", "--save-kernel", "k.png", "--model", TestModels.tinyDeblur], status: 64,
            naming: "--save-kernel: the model")
        try folder.write(TestPictures.waves().encoded(as: .png), as: "pair/in.png")
        let evaluation = ["eval", "deblur", "--blurred", "pair", "--sharp", "pair", "--kernels", "pair/none"]
        try expectFailure(evaluation + model, in: folder, status: 65, naming: "pair/none/in.png")
        try expectFailure(
            evaluation + ["--blur-estimates", "1"], in: folder, status: 64, naming: "--kernels")
        let degradation = ["degrade", "blur", "pair/in.png", "-o"]
        try expectFailure(
            degradation + ["pair/none", "--kernels", "pair/./none"], in: folder, status: 64,
            naming: "--kernels and --output")
        try expectFailure(
            degradation + ["pair/none", "--kernels", "pair"], in: folder, status: 73,
            naming: "choose another --kernels")
        #expect(folder.names.filter { $0.contains("_deblurred") || $0.hasPrefix("k.") } == [])
        #expect(try folder.image("pair/in.png").samples == TestPictures.waves().samples)
    }

    /// The mean that is written is that of the samples that are kept.
    @Test func samplesAreKeptAndAveraged() throws {
        let outcome = try deblur(
            "in.png", "-o", "mean.png", "--samples", "3", "--keep-samples", "all/of them", "--uncertainty",
            "map.png")
        #expect(outcome.output.contains("2 ddim steps × 3 samples"))
        #expect(
            folder.names.filter { $0.hasPrefix("all/of them/") }
                == (1...3).map { "all/of them/in_sample\($0).png" })
        let samples = try (1...3).map { try folder.image("all/of them/in_sample\($0).png").samples }
        #expect(samples[0] != samples[1] && samples[1] != samples[2])
        let mean = try folder.image("mean.png").samples
        for index in mean.indices {
            let sum = samples.reduce(0) { $0 + Double($1[index]) }
            #expect(abs(Double(mean[index]) - sum / 3) <= 1)
        }
        let map = try folder.image("map.png")
        #expect(map.width == 120 && map.height > 14, "the picture's map with its legend")
    }

    @Test func theKnobSetsStepsAndSamples() throws {
        #expect(try deblur("in.png", "--perception", "0").output.contains(", 1 ddim step × 4 samples, "))
        #expect(try deblur("in.png", "--perception", "1").output.contains(", 5 ddim steps, "))
        let middle = try deblur("in.png", "--perception", "0.5").output
        #expect(
            middle.contains(", 3 ddim steps × 3 samples, ") || middle.contains(", 3 ddim steps × 2 samples, ")
        )
        // What is said outright wins.
        let said = try deblur("in.png", "--perception", "1", "--steps", "2", "--samples", "2").output
        #expect(said.contains(", 2 ddim steps × 2 samples, "))
        #expect(try deblur("in.png", "--max-noise", "0.5").output.contains("from noise 0.50"))
    }

    @Test func keptSamplesNeedNamesOfTheirOwn() throws {
        try folder.write(TestPictures.waves().encoded(as: .png), as: "a/in.png")
        try expectFailure(
            ["deblur", "--model", TestModels.tinyDeblur, "in.png", "a/in.png", "--keep-samples", "all"],
            in: folder, status: 64, naming: "in_sample1.png", "twice")
    }

    @Test func compareShowsBeforeAndAfter() throws {
        try deblur("in.png", "-o", "out.png", "--compare", "both.png")
        let both = try folder.image("both.png")
        #expect(both.width == 48 && both.height == 14)
        #expect(
            try both.cropping(x: 0, y: 0, width: 20, height: 14).samples == folder.image("in.png").samples)
        #expect(
            try both.cropping(x: 28, y: 0, width: 20, height: 14).samples == folder.image("out.png").samples)
    }

    @Test func quietSaysNothing() throws {
        #expect(try deblur("-q", "in.png").output.isEmpty)
    }

    @Test(arguments: [
        (["--samples", "0"], "--samples"), (["--steps", "0"], "--steps"), (["--steps", "2001"], "1 to 2000"),
        (["--perception", "1.5"], "--perception"), (["--perception", "nan"], "--perception"),
        (["--max-noise", "0"], "--max-noise"), (["--max-noise", "2"], "--max-noise"),
        (["--uncertainty", "map.jpg"], "map.jpg"), (["--uncertainty", "map.png"], "--samples 2"),
        (["--uncertainty", "map.png", "--samples", "1"], "--samples 2"),
        (["--predictor-only", "--samples", "4"], "--samples"),
        (["--predictor-only", "--perception", "0"], "--perception"),
        (["--predictor-only", "--uncertainty", "map.png"], "--uncertainty"),
        (["--predictor-only", "--deconvolution-only"], "--deconvolution-only"),
        (["--self-ensemble", "0"], "--self-ensemble"), (["--self-ensemble", "9"], "--self-ensemble"),
        (["--deconvolution-only", "--self-ensemble", "2"], "--self-ensemble"),
        (["--blur-estimates", "0"], "--blur-estimates"), (["--blur-estimates", "6"], "--blur-estimates"),
        (["--deconvolution-only", "--blur-estimates", "2"], "--blur-estimates"),
        (["--light-exponent", "0.9"], "--light-exponent"), (["--light-exponent", "3.1"], "--light-exponent"),
        (["--light-exponent", "nan"], "--light-exponent"), (["--light-exponent", "2"], "no deconvolution"),
        (["--blur-estimates", "2"], "no deconvolution"),
        (["--deconvolution-only", "--steps", "2"], "--steps"), (["--deconvolution-only"], "no deconvolution"),
        (["--uncertainty", "in_deblurred.png", "--samples", "2"], "twice"),
        (["other.png", "-o", "o.png"], "--output"),
        (["other.png", "--samples", "2", "--uncertainty", "m.png"], "--uncertainty"),
    ])
    func wrongUse(arguments: [String], cause: String) throws {
        try expectFailure(
            ["deblur", "--model", TestModels.tinyDeblur, "in.png"] + arguments, in: folder, status: 64,
            naming: cause)
    }

    @Test func filesInTheWay() throws {
        try folder.write("text", as: "text.png")
        func expect(_ status: Int32, _ cause: String, _ arguments: String...) throws {
            try expectFailure(
                ["deblur", "--model", TestModels.tinyDeblur] + arguments, in: folder, status: status,
                naming: cause)
        }
        try expect(66, "absent.png", "absent.png")
        try expect(65, "text.png", "text.png")
        try expect(73, "absent/map.png", "in.png", "--samples", "2", "--uncertainty", "absent/map.png")
        try expect(73, "'text.png' cannot be made", "in.png", "--keep-samples", "text.png")
        try expect(66, "absent.safetensors", "in.png", "--model", "absent.safetensors")
        // A model of the other task.
        try expectFailure(
            ["deblur", "--model", TestModels.tiny, "in.png"], in: folder, status: 65,
            naming: "it is not a deblurring model of restore")
        try expectFailure(
            ["sr", "--model", TestModels.tinyDeblur, "in.png"], in: folder, status: 65,
            naming: "it is not an SR3 model of restore")
    }

    /// A picture that no tiles bring below the memory that may be used is refused before anything is computed.
    @Test func picturesAboveTheBudgetAreRefusedWithOneSentence() throws {
        let side = 2000
        let image = try Image(
            width: side, height: side, channels: 1, bitDepth: 8,
            samples: [UInt16](repeating: 90, count: side * side))
        try image.write(to: folder.file("huge.png"))
        for (command, model) in [("deblur", try TestModels.tinyDeblur), ("sr", try TestModels.tiny)] {
            try expectFailure(
                [command, "--model", model, "--memory", "100M", "huge.png"], in: folder, status: 65,
                naming: "'huge.png' is too large", "GB of memory, and 0.2 GB may be used")
        }
        try expectFailure(
            ["deblur", "--model", TestModels.tinyDeblur, "--memory", "much", "huge.png"], in: folder,
            status: 64,
            naming: "--memory")
        try expectFailure(
            ["deblur", "--model", TestModels.tinyDeblur, "--tile", "5", "huge.png"], in: folder, status: 64,
            naming: "--tile must be from 32 to 65536")
    }

    /// A budget that is short makes the tiles small, and the picture stays what it is.
    @Test func aSmallBudgetGivesThePictureAll() throws {
        try TestPictures.waves(width: 300, height: 260).write(to: folder.file("big.png"))
        func deblurred(_ flags: String...) throws -> Image {
            try succeed(
                ["deblur", "--model", TestModels.tinyDeblur, "big.png", "-o", "out.png", "--overwrite"]
                    + flags,
                in: folder)
            return try folder.image("out.png")
        }
        let whole = try deblurred()
        let tiled = try deblurred("--tile", "64")
        let differences = zip(whole.samples, tiled.samples).map { abs(Int($0) - Int($1)) }
        #expect((differences.max() ?? .max) <= 1)
        #expect(try deblurred("--memory", "30M").samples.count == whole.samples.count)
    }

    @Test func interruptLeavesNothing() throws {
        let outcome = try Executable.run(
            ["deblur", "in.png", "--model", TestModels.tinyDeblur, "--steps", "1000", "--samples", "1000"],
            in: folder.path, interruption: Executable.waitUntilCatchingInterrupt)
        #expect(outcome.status == 130)
        #expect(outcome.errors.contains("interrupted"))
        #expect(folder.names == ["in.png"])
    }
}
