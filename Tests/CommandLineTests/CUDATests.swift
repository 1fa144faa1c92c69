import Foundation
import ImageFiles
import MPILauncher
import Tensors
import Testing

/// A stand-in for libtorch's CUDA library (Tests/StandInCUDA), compiled once: an operator that is given tensors of
/// two devices fails as on a GPU, and what should have been made there and was not is found without one.
private enum StandInCUDA {
    private static let libtorch =
        ProcessInfo.processInfo.environment["LIBTORCH"] ?? "\(Executable.packageRoot)/.deps/libtorch"

    /// It registers itself in places that differ from version to version.
    static let fits: Bool = {
        let version = try? String(contentsOfFile: "\(libtorch)/version.py", encoding: .utf8)
        return version?.contains("__version__ = '2.13") ?? false
    }()

    /// The folder it lies in.
    static let folder: Result<TestFolder, any Error> = Result {
        let folder = try TestFolder()
        try compile(
            ["clang++", "-std=c++20", "-O0", "-w"]
                + ["", "/torch/csrc/api/include"].map { "-I\(libtorch)/include\($0)" }
                + [source("StandInCUDA.cpp"), "-o", folder.file("libtorch_cuda.so")]
                + ["-L\(libtorch)/lib", "-Wl,--no-as-needed", "-ltorch_cpu", "-lc10"])
        atexit { try? FileManager.default.removeItem(atPath: (try? StandInCUDA.folder.get().path) ?? "") }
        return folder
    }

    /// Compiles an MPI that reads the stand-in's memory and leaves the rest to `library`.
    static func compileMPI(over library: String, to file: String) throws {
        let folder = (library as NSString).deletingLastPathComponent
        try compile(
            ["clang", "-w", source("CUDAAwareMPI.c"), "-o", file]
                + ["-Wl,--no-as-needed", library, "-Wl,-rpath,\(folder)"])
    }

    private static func source(_ name: String) -> String {
        "\(Executable.packageRoot)/Tests/StandInCUDA/\(name)"
    }

    private static func compile(_ command: [String]) throws {
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = command + ["-fPIC", "-shared"]
        let errors = Pipe()
        compiler.standardError = errors
        try compiler.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw Executable.Failure(text) }
    }
}

@Suite("Command line: CUDA", .enabled(if: StandInCUDA.fits, "the stand-in is for another libtorch"))
struct CUDATests {
    let folder: TestFolder
    let environment: [String: String]

    init() throws {
        folder = try TestFolder()
        environment = ["LD_LIBRARY_PATH": try StandInCUDA.folder.get().path]
        try TestPictures.waves(width: 70, height: 50).write(to: folder.file("in.png"))
    }

    @Test func whatIsNotThereIsRefused() throws {
        for (device, environment) in [("cuda", [:]), ("cuda:1", environment)] {
            try expectFailure(
                ["sr", "--model", TestModels.tiny, "--device", device, "in.png"], in: folder, status: 64,
                naming: "device", environment: environment)
        }
    }

    /// At most one gray level apart.
    @Test(arguments: [
        ["sr", "--samples", "2"], ["sr", "--tile", "64"], ["sr", "--sampler", "ddpm", "--steps", "3"],
        ["deblur", "--samples", "2"], ["deblur", "--perception", "1"], ["deblur", "--tile", "32"],
    ])
    func picturesAreTheCPUs(arguments: [String]) throws {
        let model = try arguments[0] == "sr" ? TestModels.tiny : TestModels.tinyDeconvolving
        let pictures = try ["cpu", "cuda"].map { device in
            try succeed(
                arguments + ["--model", model, "--device", device, "-o", "\(device).png", "in.png"],
                in: folder,
                environment: environment)
            return try Image.read(from: folder.file("\(device).png"))
        }
        #expect(pictures[0].samples.count == pictures[1].samples.count)
        let differences = zip(pictures[0].samples, pictures[1].samples).map { abs(Int($0) - Int($1)) }
        #expect(try #require(differences.max()) <= 1)
    }

    /// Rounded, but the same picture.
    @Test(arguments: [["sr", "--steps", "4"], ["deblur", "--samples", "2"]])
    func bfloat16HardlyChangesThePicture(arguments: [String]) throws {
        let model = try arguments[0] == "sr" ? TestModels.tiny : TestModels.tinyDeconvolving
        let pictures = try ["float32", "bfloat16"].map { precision in
            try succeed(
                arguments + ["--model", model, "--device", "cuda", "--precision", precision]
                    + ["-o", "\(precision).png", "in.png"], in: folder, environment: environment)
            return try Image.read(from: folder.file("\(precision).png")).samples.map(Int.init)
        }
        let differences = zip(pictures[0], pictures[1]).map { abs($0 - $1) }
        #expect(differences.count == pictures[0].count && differences.contains { $0 > 0 })
        #expect(Double(differences.reduce(0, +)) < 1 * Double(differences.count))
        #expect(try #require(differences.max()) <= 12)
    }

    @Test func int8AndBfloat16HaveTheirDevices() throws {
        for (device, precision, reason) in [
            ("cuda", "int8", "int8 is for the CPU"), ("cpu", "bfloat16", "bfloat16 is for CUDA devices"),
        ] {
            let outcome = try Executable.run(
                ["sr", "--model", TestModels.tiny, "--device", device, "--precision", precision, "in.png"],
                in: folder.path, environment: environment)
            #expect(outcome.status == 64 && outcome.errors.contains(reason), "\(outcome.errors)")
        }
    }

    /// The stand-in cannot write calls down, which is told, and does not stop anything.
    @Test func aStepIsTimed() throws {
        let outcome = try Executable.run(
            ["benchmark", "--model", TestModels.tiny, "--device", "cuda", "--size", "32", "--repeat", "3"],
            in: folder.path, environment: environment)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let times = outcome.output.split(separator: "\n").map { Double($0) ?? -1 }
        #expect(times.count == 3 && times.allSatisfy { $0 > 0 })
        #expect(outcome.errors.contains("GPU memory taken: ") && outcome.errors.contains("not replayed: "))
    }

    /// Where kernels cannot be compiled operators do what they would have done.
    @Test(arguments: ["float32", "bfloat16"]) func aDeviceWithoutACompilerWillDo(precision: String) throws {
        let pictures = try ["with", "without"].map { compiler in
            var environment = environment
            if compiler == "without" { environment["STAND_IN_WITHOUT_COMPILER"] = "1" }
            try succeed(
                ["sr", "--model", TestModels.tiny, "--device", "cuda", "--precision", precision]
                    + ["-o", "\(compiler).png", "in.png"], in: folder, environment: environment)
            return try Image.read(from: folder.file("\(compiler).png")).samples.map(Int.init)
        }
        let differences = zip(pictures[0], pictures[1]).map { abs($0 - $1) }
        #expect(differences.count == pictures[0].count)
        // Operators round once more to bfloat16.
        #expect(try #require(differences.max()) <= (precision == "float32" ? 1 : 12))
    }

    /// PSNR of the held-out picture after the last step.
    private func quality(_ run: String, _ name: String = "psnr_sample") throws -> Double {
        let lines = String(decoding: try folder.bytes("\(run)/validation.csv"), as: UTF8.self).split(
            separator: "\n")
        let column = try #require(lines.first?.split(separator: ",").firstIndex { $0 == name })
        return try #require(lines.last.flatMap { Double($0.split(separator: ",")[column]) })
    }

    /// The same network in float32, and nearly the same in bfloat16; a run that is stopped goes on.
    @Test(arguments: ["adamw", "muon"]) func trainingIsTheCPUs(method: String) throws {
        for name in ["a", "b"] {
            try folder.write(
                TestPictures.waves(width: 44, height: 40).encoded(as: .png), as: "photos/\(name).png")
        }
        try folder.write(TrainTests.recipe(steps: 4), as: "tiny.yaml")
        func train(_ device: String, _ precision: String, to run: String, _ more: String...) throws -> Double
        {
            let outcome = try Executable.run(
                [
                    "train", "tiny.yaml", "--data", "photos", "--output", run, "--device", device,
                    "--set", "optimizer.method=\(method)", "--set", "optimizer.precision=\(precision)",
                ] + more, in: folder.path, environment: environment)
            try #require(outcome.status == 0, "\(outcome.errors)")
            return try quality(run)
        }
        let cpu = try train("cpu", "float32", to: "cpu")
        let cuda = try train("cuda", "float32", to: "cuda")
        let half = try train("cuda", "bfloat16", to: "half")
        #expect(abs(cuda - cpu) < 0.01, "\(cuda) and \(cpu) dB")
        #expect(abs(half - cpu) < 0.1, "\(half) and \(cpu) dB")
        #expect(try train("cuda", "float32", to: "cuda", "--resume", "--set", "budget.steps=6").isFinite)
    }

    /// An MPI that reads the device's memory is handed the gradients there; any other has them copied for it. The
    /// sums are the same.
    @Test(
        .enabled(if: MPILauncher.isAvailable, "\(MPILauncher.missing)"),
        arguments: MPILauncher.available.filter { $0.library != nil })
    func gradientsAreAddedUpWhereTheyLie(_ launcher: MPILauncher) throws {
        for name in ["a", "b"] {
            try folder.write(
                TestPictures.waves(width: 44, height: 40).encoded(as: .png), as: "photos/\(name).png")
        }
        try folder.write(TrainTests.recipe(steps: 4), as: "tiny.yaml")
        let library = try #require(launcher.library)
        try StandInCUDA.compileMPI(over: library, to: folder.file("libmpi-cuda.so"))
        let weights = try [("direct", folder.file("libmpi-cuda.so")), ("copied", library)].map {
            run, library in
            let outcome = try Executable.run(
                launcher.arguments(ranks: 2) + [Executable.path.get()]
                    + ["train", "tiny.yaml", "--data", "photos", "--output", run, "--device", "cuda"]
                    + ["--set", "optimizer.precision=float32", "--threads", "1"],
                in: folder.path, environment: environment.merging(["RESTORE_MPI": library]) { $1 },
                copy: launcher.path)
            try #require(outcome.status == 0, "\(outcome.errors)")
            let sums = outcome.errorLines.compactMap { $0.firstMatch(of: /stand-in MPI: (\d+) sums, (\d+)/) }
            #expect(sums.count == (run == "direct" ? 2 : 0), "\(outcome.errors)")
            #expect(sums.allSatisfy { Int($0.1).map { $0 > 0 } == true && $0.1 == $0.2 }, "\(outcome.errors)")
            let file = try SafetensorsFile(path: folder.file("\(run)/tiny.safetensors"))
            return try file.names.map { try file.withBytes(of: $0) { [UInt8]($0) } }
        }
        #expect(!weights[0].isEmpty && weights[0] == weights[1])
    }

    /// Kernels, scenes, noise and JPEG on the device, with estimates and both networks.
    @Test func deblurringTrainsThere() throws {
        for name in ["a", "b", "c"] {
            try folder.write(
                TestPictures.waves(width: 120, height: 110).encoded(as: .png), as: "photos/\(name).png")
        }
        let recipe = try String(
            contentsOfFile: "\(Executable.packageRoot)/Recipes/deblur.yaml", encoding: .utf8)
        try folder.write(
            recipe.split(separator: "\n", omittingEmptySubsequences: false)
                .filter { line in
                    !["  frame", "  perceptual", "    network: eff", "    weight:"].contains(
                        where: line.hasPrefix)
                }.joined(
                    separator: "\n"),
            as: "deblur.yaml")
        let changes = [
            "data.sets=[]", "data.patchSize=32", "data.validationCount=1", "data.kernelEstimates=6",
            "degradation.shares.scene=1", "degradation.extent=[2,6]", "degradation.sceneExtent=[2,8]",
            "degradation.jpegShare=0.5",
            "model.deconvolution.kernelSide=9", "model.predictor.baseWidth=8", "model.denoiser.baseWidth=8",
            "model.predictor.blocks=1", "model.denoiser.blocks=1", "optimizer.batchSize=6", "budget.steps=6",
            "optimizer.precision=float32",
        ].flatMap { ["--set", $0] }
        let found = try ["cpu", "cuda"].map { device in
            let outcome = try Executable.run(
                ["train", "deblur.yaml", "--data", "photos", "--output", device, "--device", device]
                    + changes,
                in: folder.path,
                environment: environment.merging(["XDG_CACHE_HOME": folder.file("cache")]) { $1 })
            try #require(outcome.status == 0, "\(outcome.errors)")
            return try quality(device, "psnr_prediction")
        }
        #expect(abs(found[1] - found[0]) < 0.01, "\(found) dB")
        #expect(folder.names.contains { $0.hasPrefix("cache/restore/kernel-estimates-") })
    }
}
