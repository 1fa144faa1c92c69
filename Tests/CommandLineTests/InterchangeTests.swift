import Diffusion
import Foundation
import PythonReference
import SR3
import Tensors
import Testing

@Suite("Command line: import and export")
struct InterchangeTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// Writes the smallest network of the open SR3 layout, every weight a small number.
    private func writePublished(_ change: (inout [String: Tensor]) throws -> Void = { _ in }) throws {
        let base = 4
        var tensors: [String: Tensor] = [:]
        func layer(_ name: String, _ shape: [Int], bias: Bool = true) throws {
            let seed = UInt64(tensors.count)
            func random(_ shape: [Int]) throws -> Tensor {
                try NoiseField(seed: seed).tensor(
                    step: shape.count, channels: 1, height: 1, width: shape.reduce(1, *)
                )
                .reshaped(shape) * 0.1
            }
            tensors["denoise_fn.\(name).weight"] = try random(shape)
            if bias { tensors["denoise_fn.\(name).bias"] = try random([shape[0]]) }
        }
        func block(_ name: String, _ inputs: Int, attends: Bool = false) throws {
            for (half, channels) in [("block1", inputs), ("block2", base)] {
                try layer("\(name).res_block.\(half).block.0", [channels])
                try layer("\(name).res_block.\(half).block.3", [base, channels, 3, 3])
            }
            try layer("\(name).res_block.noise_func.noise_func.0", [base, base])
            if inputs != base { try layer("\(name).res_block.res_conv", [base, inputs, 1, 1]) }
            guard attends else { return }
            try layer("\(name).attn.norm", [base])
            try layer("\(name).attn.qkv", [3 * base, base, 1, 1], bias: false)
            try layer("\(name).attn.out", [base, base, 1, 1])
        }
        try layer("noise_level_mlp.1", [4 * base, base])
        try layer("noise_level_mlp.3", [base, 4 * base])
        try layer("downs.0", [base, 6, 3, 3])
        try block("downs.1", base)
        try layer("downs.2.conv", [base, base, 3, 3])
        try block("downs.3", base)
        try block("mid.0", base, attends: true)
        try block("mid.1", base)
        for index in [0, 1, 3, 4] { try block("ups.\(index)", 2 * base) }
        try layer("ups.2.conv", [base, base, 3, 3])
        try layer("final_conv.block.0", [base])
        try layer("final_conv.block.3", [3, base, 3, 3])
        try change(&tensors)
        try SafetensorsWriter.write(
            tensors.map { (name: $0.key, value: $0.value) }, to: folder.file("published.safetensors"))
    }

    private let command = ["import", "published.safetensors", "-o", "ours.safetensors", "--norm-groups", "2"]

    @Test func importedWeightsRestorePictures() throws {
        try writePublished()
        let output = try succeed(
            command + ["--scale", "2", "--steps", "3", "--licence", "CC0-1.0"], in: folder
        ).output
        #expect(
            output
                == "published.safetensors → ours.safetensors: the open SR3 U-Net, 4279 parameters, ×2, trained with linear:1e-6:1e-2:2000\n"
        )
        let model = try SR3Model.load(folder.file("ours.safetensors"))
        #expect(model.configuration.sampling.steps == 3)
        #expect(model.metadata["licence"] == "CC0-1.0")
        #expect(model.metadata["description"] == "the open SR3 U-Net, imported from published.safetensors")
        try TestPictures.waves().write(to: folder.file("in.png"))
        try succeed(["sr", "--model", "ours.safetensors", "--scale", "2", "in.png"], in: folder)
        let (before, after) = try (folder.image("in.png"), folder.image("in_x2.png"))
        #expect(after.width == 2 * before.width && after.height == 2 * before.height)
        #expect(
            try succeed(["models", "show", "./ours.safetensors"], in: folder).output.contains(
                "imported_from: the open SR3 U-Net in published.safetensors"))
    }

    @Test func halfIsHalf() throws {
        try writePublished()
        try succeed(command, in: folder)
        let whole = try SafetensorsFile(path: folder.file("ours.safetensors"))
        try succeed(command + ["--half"], in: folder)
        let half = try SafetensorsFile(path: folder.file("ours.safetensors"))
        #expect(whole.names == half.names)
        #expect(whole.entry("input.weight")?.dtype == .float32)
        #expect(half.entry("input.weight")?.dtype == .float16)
    }

    @Test func brokenWeightsAreRefusedByName() throws {
        let name = "denoise_fn.mid.0.attn.qkv.weight"
        try writePublished { $0[name] = nil }
        try expectFailure(command, in: folder, status: 65, naming: "published.safetensors", name)
        try writePublished { $0[name] = try Tensor([1]) }
        try expectFailure(command, in: folder, status: 65, naming: "published.safetensors", name)
        try writePublished { $0["denoise_fn.extra"] = try Tensor([1]) }
        try expectFailure(
            command, in: folder, status: 65, naming: "published.safetensors", "denoise_fn.extra")
        try writePublished { $0 = ["conv_in.weight": try Tensor.zeros([4, 6, 3, 3])] }
        try expectFailure(
            Array(command.prefix(4)), in: folder, status: 65, naming: "published.safetensors", "config.json")
    }

    @Test func otherKindsOfFilesAreRefused() throws {
        try folder.write("not weights", as: "published.safetensors")
        try expectFailure(command, in: folder, status: 65, naming: "published.safetensors")
        try folder.write("not weights", as: "published.pth")
        try expectFailure(
            ["import", "published.pth", "-o", "ours.safetensors"], in: folder, status: 65,
            naming: "published.pth")
        try expectFailure(
            ["import", TestModels.tiny, "-o", "ours.safetensors"], in: folder, status: 65,
            naming: "tiny.safetensors",
            "neither")
        try expectFailure(
            ["import", "nowhere.pth", "-o", "ours.safetensors"], in: folder, status: 66, naming: "nowhere.pth"
        )
        try expectFailure(
            ["import", "published.pth", "-o", "no/ours.safetensors"], in: folder, status: 73, naming: "'no'")
    }

    @Test(arguments: [
        ["--scale", "9"], ["--norm-groups", "0"], ["--steps", "0"], ["--schedule", "quadratic:3"],
        ["--condition", "middle"], ["--parameterization", "score"],
    ])
    func flagsAreChecked(flags: [String]) throws {
        try expectFailure(
            ["import", "published.safetensors", "-o", "ours.safetensors"] + flags, in: folder, status: 64,
            naming: flags[0])
    }

    @Test func exportWritesThreeFiles() throws {
        let files = { (folder: String) in
            ["config.json", "model.safetensors", "restore_unet.py"].map { "\(folder)/\($0)" }
        }
        let output = try succeed(["export", TestModels.tiny, "-o", "out/torch"], in: folder).output
        #expect(
            output.hasSuffix(
                " → out/torch/model.safetensors, out/torch/config.json, out/torch/restore_unet.py\n"))
        #expect(folder.names == ["out", "out/torch"] + files("out/torch"))
        // The same weights, in 32 bits: they restore the same picture.
        try TestPictures.waves().write(to: folder.file("in.png"))
        try succeed(["sr", "--model", TestModels.tiny, "in.png", "-o", "a.png"], in: folder)
        try succeed(["sr", "--model", "out/torch/model.safetensors", "in.png", "-o", "b.png"], in: folder)
        #expect(try folder.bytes("a.png") == folder.bytes("b.png"))
        try succeed(["export", TestModels.tinyDeblur, "-o", "mine.safetensors"], in: folder)
        for name in ["mine.safetensors", "mine.json", "restore_unet.py"] {
            #expect(folder.exists(name), "\(name)")
        }
    }

    /// The program that is exported runs on what was exported.
    @Test(
        .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"), arguments: [false, true])
    func theLoaderRuns(deblurs: Bool) throws {
        let model = deblurs ? try TestModels.tinyDeblur : try TestModels.tiny
        try succeed(["export", model, "-o", "torch"], in: folder)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(PythonReference.python))
        process.arguments = [folder.file("torch/restore_unet.py"), folder.file("torch/model.safetensors")]
        process.environment = ["OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text.hasPrefix(deblurs ? "PredictAndRefine of " : "UNet of "), "\(text)")
        #expect(text.hasSuffix("(1, 3, 64, 64) → (1, 3, 64, 64)\n"), "\(text)")
    }

    @Test func exportRefusesWhatIsNoModel() throws {
        try SafetensorsWriter.write([("x", try Tensor([1]))], to: folder.file("x.safetensors"))
        try expectFailure(
            ["export", "x.safetensors", "-o", "torch"], in: folder, status: 65, naming: "x.safetensors",
            "not a model of restore")
        try expectFailure(["export", "lion", "-o", "torch"], in: folder, status: 66, naming: "'lion'")
        try expectFailure(
            ["export", "x.safetensors", "-o", "./x.safetensors"], in: folder, status: 64,
            naming: "x.safetensors")
        try folder.write("a file", as: "taken")
        try expectFailure(
            ["export", TestModels.tiny, "-o", "taken"], in: folder, status: 73, naming: "taken")
    }
}
