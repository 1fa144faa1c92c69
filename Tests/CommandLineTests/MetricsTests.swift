import Foundation
import ImageFiles
import Tensors
import Testing

@Suite("Command line: metrics")
struct MetricsCommandTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        let gray = [UInt16](repeating: 100, count: 20 * 16)
        for (name, level) in [("originals/a", 0), ("originals/b", 0), ("outputs/a", 0), ("outputs/b", 10)] {
            let image = try Image(
                width: 20, height: 16, channels: 1, bitDepth: 8, samples: gray.map { $0 + UInt16(level) })
            try folder.write(image.encoded(as: .png), as: "\(name).png")
        }
    }

    /// Ten gray levels apart is a PSNR of 20 log₁₀(255/10) dB; equal pictures have an infinite one.
    @Test func foldersAreMeasuredByName() throws {
        let outcome = try succeed(["metrics", "outputs", "originals", "--csv", "out.csv"], in: folder)
        #expect(outcome.outputLines.first?.hasPrefix("Protocol: 8-bit pictures, no border left out") == true)
        // Only the model that came with the program is there.
        #expect(outcome.outputLines.first?.contains("NIQE with a refitted model") == true)
        let lines = String(decoding: try folder.bytes("out.csv"), as: UTF8.self).split(separator: "\n")
        #expect(
            lines.first
                == "set,picture,method,psnr_rgb,psnr_y,ssim_rgb,ssim_y,ms_ssim_y,niqe,colour_shift")
        let rows = lines.dropFirst().map { $0.split(separator: ",").map(String.init) }
        #expect(rows.map { $0[1] } == ["a", "b"])
        // Sixteen pixels are too few for MS-SSIM and NIQE.
        #expect(rows[0][3...8] == ["inf", "inf", "1.00000", "1.00000", "nan", "nan"])
        #expect(rows[1][3] == String(format: "%.4f", 20 * log10(25.5)))
        #expect(rows[1][9] == "10.0000")
        #expect(outcome.outputLines.last?.hasPrefix("| mean of 2 |") == true)
    }

    /// JSON has no infinity: it is a text, and what is missing is null.
    @Test func jsonHoldsAllNumbers() throws {
        try succeed(
            [
                "metrics", "outputs", "originals", "--metrics", "ssim-y,psnr,niqe,psnr", "--round-luma",
                "--no-round", "--json", "out.json",
            ], in: folder)
        let json = try JSONSerialization.jsonObject(with: Data(folder.bytes("out.json"))) as? [String: Any]
        #expect((json?["protocol"] as? String)?.hasPrefix("pictures not rounded to 8 bits") == true)
        let pictures = try #require(json?["pictures"] as? [[String: Any]])
        let values = try pictures.map { try #require($0["values"] as? [String: Any]) }
        #expect(
            values.map { $0.keys.sorted() } == [["niqe", "psnr", "ssim-y"], ["niqe", "psnr", "ssim-y"]])
        #expect(values[0]["psnr"] as? String == "inf")
        #expect(values[0]["niqe"] is NSNull)
        #expect(abs((values[1]["psnr"] as? Double ?? 0) - 20 * log10(25.5)) < 1e-5)
        #expect((json?["mean"] as? [String: Any])?["psnr"] as? String == "inf")
    }

    @Test func refusals() throws {
        try folder.write(TestPictures.waves(width: 21, height: 16).encoded(as: .png), as: "wide.png")
        try expectFailure(
            ["metrics", "wide.png", "originals/a.png"], in: folder, status: EX_DATAERR,
            naming: "'wide.png' has 21×16 pixels and 'originals/a.png' 20×16")
        try expectFailure(
            ["metrics", "outputs/a.png", "originals/a.png", "--border", "8"], in: folder,
            status: EX_DATAERR, naming: "a border of 8 pixels leaves nothing")
        try expectFailure(
            ["metrics", "wide.png", "originals"], in: folder, status: EX_USAGE,
            naming: "must both be files or both be folders")
        try expectFailure(
            ["metrics", "none.png", "originals/a.png"], in: folder, status: EX_NOINPUT,
            naming: "there is no file or folder 'none.png'")
        try expectFailure(
            ["metrics", "wide.png", "--metrics", "psnr,beauty"], in: folder, status: EX_USAGE,
            naming: "'beauty' is none of psnr, ")
        try expectFailure(
            ["metrics", "wide.png", "--metrics", "psnr"], in: folder, status: EX_USAGE,
            naming: "psnr needs the original as well")
        try expectFailure(
            ["metrics", "wide.png", "--metrics", "lr-consistency"], in: folder, status: EX_USAGE,
            naming: "lr-consistency needs --lr")
        try expectFailure(
            ["metrics", "wide.png", "wide.png", "--metrics", "kid"], in: folder, status: EX_USAGE,
            naming: "kid is a distance of sets")
        try expectFailure(
            ["metrics", "outputs", "originals", "--metrics", "kid,fid", "--csv", "out.csv"], in: folder,
            status: EX_USAGE, naming: "--json takes fid and kid")
        try expectFailure(
            ["metrics", "wide.png", "--niqe-model", "none.safetensors"], in: folder, status: EX_NOINPUT,
            naming: "none.safetensors")
        try expectFailure(
            ["metrics", "wide.png", "--metrics", "lr-consistency", "--lr", "outputs"], in: folder,
            status: EX_USAGE, naming: "must both be files")
    }

    /// Pictures go together by their names, never by their places.
    @Test func aLonePictureIsNamed() throws {
        try folder.write(folder.bytes("outputs/a.png"), as: "outputs/c.png")
        try expectFailure(
            ["metrics", "outputs", "originals"], in: folder, status: EX_DATAERR,
            naming: "'outputs/c.png' has no partner of its name in 'originals'")
        try folder.write(folder.bytes("outputs/a.png"), as: "originals/c.png")
        try folder.write(folder.bytes("outputs/a.png"), as: "originals/d.png")
        try expectFailure(
            ["metrics", "outputs", "originals"], in: folder, status: EX_DATAERR,
            naming: "'originals/d.png' has no partner of its name in 'outputs'")
        try folder.write(folder.bytes("outputs/a.png"), as: "outputs/c.jpg")
        try expectFailure(
            ["metrics", "outputs", "originals"], in: folder, status: EX_DATAERR, naming: "have the same name")
    }

    /// Weights that nobody ships: the sentence says what to download and where to put it.
    @Test(arguments: [
        ("lpips-alex", "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"),
        ("lpips-vgg", "https://download.pytorch.org/models/vgg16-397923af.pth"),
        ("lpips-squeeze", "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"),
        ("sfd", "--squeezenet"), ("fid", "--squeezenet"),
    ])
    func missingWeights(metric: String, source: String) throws {
        try expectFailure(
            ["metrics", "outputs", "originals", "--metrics", metric], in: folder, status: EX_NOINPUT,
            naming: "\(metric) needs", source, "metrics/ under --data")
    }

    /// Weights are known by what is in them: an AlexNet of zeros sees no difference.
    @Test func weightsAreToldApart() throws {
        let layers = [(0, 3, 64, 11), (3, 64, 192, 5), (6, 192, 384, 3), (8, 384, 256, 3), (10, 256, 256, 3)]
        let trunk = try layers.flatMap { number, inputs, outputs, kernel in
            [
                ("features.\(number).weight", try Tensor.zeros([outputs, inputs, kernel, kernel])),
                ("features.\(number).bias", try Tensor.zeros([outputs])),
            ]
        }
        let heads = try layers.enumerated().map { index, layer in
            ("lin\(index).model.1.weight", try Tensor.zeros([1, layer.2, 1, 1]))
        }
        try SafetensorsWriter.write(trunk, to: folder.file("trunk.safetensors"))
        try SafetensorsWriter.write(heads, to: folder.file("heads.safetensors"))
        try SafetensorsWriter.write(
            [("something", try Tensor.zeros([1]))], to: folder.file("other.safetensors"))
        try folder.write(TestPictures.waves(width: 40, height: 32).encoded(as: .png), as: "one.png")
        try folder.write(
            TestPictures.waves(width: 40, height: 32, channels: 1).encoded(as: .png), as: "two.png")
        let command = ["metrics", "one.png", "two.png", "--metrics", "lpips-alex", "--weights"]
        let outcome = try succeed(
            command + ["heads.safetensors", "--weights", "trunk.safetensors"], in: folder)
        #expect(outcome.outputLines.first?.contains("LPIPS 0.1 over AlexNet") == true)
        #expect(outcome.outputLines.last == "| one | output | 0.0000 |")
        // The same weights make a column of an evaluation.
        for part in ["blur", "sharp"] {
            try folder.write(
                TestPictures.waves(width: 40, height: 32).encoded(as: .png), as: "set/\(part)/a.png")
        }
        let table = try succeed(
            [
                "eval", "deblur", "--data", "set", "--model", TestModels.tinyDeblur, "--lpips", "alex",
                "--weights", "heads.safetensors", "--weights", "trunk.safetensors",
            ], in: folder)
        #expect(table.outputLines.first?.contains("| LPIPS (alex) |") == true)
        try expectFailure(
            command + ["trunk.safetensors"], in: folder, status: EX_NOINPUT, naming: "learned heads of LPIPS",
            "https://github.com/richzhang/PerceptualSimilarity")
        try expectFailure(
            command + ["other.safetensors"], in: folder, status: EX_DATAERR,
            naming: "'other.safetensors' holds neither")
    }

    /// What a picture is too small for is not a number, and the rest is measured.
    @Test func onePixel() throws {
        try folder.write(TestPictures.waves(width: 1, height: 1).encoded(as: .png), as: "dot.png")
        let outcome = try succeed(["metrics", "dot.png", "dot.png"], in: folder)
        #expect(outcome.outputLines.last?.contains("| inf | inf | nan | nan | nan | nan | 0.000 |") == true)
    }

    @Test func lowResolutionInputs() throws {
        for name in ["a", "b"] {
            let small = try folder.image("outputs/\(name).png").resized(width: 5, height: 4)
            try folder.write(small.encoded(as: .png), as: "inputs/\(name).png")
        }
        let outcome = try succeed(
            ["metrics", "outputs", "--metrics", "lr-consistency", "--lr", "inputs"], in: folder)
        // Nothing differs: as if one of 5·4 values were off by one.
        let oneOff = 20 * log10(255.0) + 10 * log10(20.0)
        #expect(outcome.outputLines.last == "| mean of 2 | output | \(String(format: "%.2f", oneOff)) |")
    }

    @Test func aModelForNIQEIsFittedAndUsed() throws {
        for index in 0..<3 {
            let picture = try TestPictures.waves(width: 400 + index, height: 400)
            try folder.write(picture.encoded(as: .png), as: "photos/\(index).png")
        }
        let fitted = try succeed(["niqe-fit", "photos", "-o", "waves.safetensors"], in: folder)
        #expect(fitted.output.hasPrefix("waves.safetensors: "))
        #expect(fitted.output.hasSuffix(" of 3 photographs\n"))
        let outcome = try succeed(
            ["metrics", "photos/0.png", "--niqe-model", "waves.safetensors"], in: folder)
        #expect(outcome.output.contains("a refitted model (3 photographs of photos)"))
        let value = outcome.outputLines.last?.split(separator: "|").last { $0 != " " }
        let number = Double(value?.trimmingCharacters(in: .whitespaces) ?? "") ?? .nan
        #expect(number > 0 && number < 20)
        try expectFailure(
            ["niqe-fit", "photos/0.png", "-o", "one.safetensors"], in: folder, status: EX_DATAERR,
            naming: "are too few for a model")
        try expectFailure(
            ["niqe-fit", "outputs", "-o", "one.safetensors"], in: folder, status: EX_DATAERR,
            naming: "'outputs/a.png' has 20×16 pixels")
        try expectFailure(
            ["niqe-fit", "nowhere", "-o", "one.safetensors"], in: folder, status: EX_NOINPUT,
            naming: "there is no file or folder 'nowhere'")
    }
}
