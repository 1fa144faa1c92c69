import Foundation
import Tensors
import Testing

@Suite("Command line: models")
struct ModelsTests {
    let folder: TestFolder
    /// The executable with its library alone, so that only RESTORE_MODELS and RESTORE_DATASETS are found.
    let copy: String

    init() throws {
        folder = try TestFolder()
        copy = try Executable.copy(into: folder.file("bin")) { $0 == "librestore-torch.so" }
        try FileManager.default.createDirectory(
            atPath: folder.file("store"), withIntermediateDirectories: false)
    }

    private func run(_ arguments: String...) throws -> Executable.Outcome {
        try Executable.run(
            arguments, in: folder.path,
            environment: ["RESTORE_MODELS": folder.file("store"), "RESTORE_DATASETS": folder.file("store")],
            copy: copy)
    }

    /// The same in files of 5 kB and an index, under another name.
    private func installParts(_ name: String) throws {
        let tiny = try SafetensorsFile(path: TestModels.tiny)
        let tensors = try tiny.names.compactMap { name in
            try tiny.tensor(name).map { (name: name, value: $0) }
        }
        try SafetensorsShards.write(
            TensorSource.sources(tensors), metadata: tiny.metadata,
            to: folder.file("store/\(name)\(SafetensorsShards.suffix)"), limit: 5_000)
    }

    private func install(_ name: String) throws {
        try FileManager.default.copyItem(
            atPath: TestModels.tiny, toPath: folder.file("store/\(name).safetensors"))
    }

    @Test(arguments: [["models"], ["models", "list"], ["models", "show"], ["sr", "in.png"]])
    func withoutModels(arguments: [String]) throws {
        try TestPictures.waves().write(to: folder.file("in.png"))
        let outcome = try Executable.run(
            arguments, in: folder.path, environment: ["RESTORE_MODELS": folder.file("store")], copy: copy)
        #expect(outcome.status == 66)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("no models are installed"))
        #expect(outcome.errors.contains("RESTORE_MODELS"))
    }

    @Test func listShowsTheCard() throws {
        try install("tiny")
        try folder.write("not a model", as: "store/notes.txt")
        let lines = try run("models").outputLines.map(String.init)
        try #require(lines.count == 5)
        #expect(lines[0] == "tiny  random weights for tests")
        #expect(lines[1].hasPrefix("  file      \(folder.file("store/tiny.safetensors")) ("))
        #expect(lines[2].contains("123 training samples"))
        #expect(lines[3] == "  trained   on none")
        #expect(lines[4] == "  licence   Apache-2.0")
        #expect(try run("models", "list").outputLines.map(String.init) == lines)
    }

    @Test func severalModelsInTheOrderOfTheirNames() throws {
        for name in ["zebra", "ant", "mole"] { try install(name) }
        let names = try run("models").outputLines.filter { !$0.hasPrefix(" ") }.map {
            $0.prefix { $0 != " " }
        }
        #expect(names == ["ant", "mole", "zebra"])
        let outcome = try run("models", "show", "lion")
        #expect(outcome.status == 66)
        #expect(outcome.errors == "restore: there is no model 'lion'; installed are ant, mole, zebra\n")
    }

    /// Files of a model are one model, found by its name, and all of them tell whether a result is its.
    @Test func aModelMayHaveSeveralFiles() throws {
        try install("whole")
        try installParts("parted")
        let parts = try FileManager.default.contentsOfDirectory(atPath: folder.file("store"))
            .filter(SafetensorsShards.isPart)
        #expect(parts.count > 1)
        let lines = try run("models").outputLines.map(String.init)
        #expect(lines.map { $0.prefix { $0 != " " } }.filter { !$0.isEmpty } == ["parted", "whole"])
        #expect(lines[1].hasPrefix("  file      \(folder.file("store/parted.safetensors.index.json")) ("))
        #expect(try run("models", "show", "parted").output.contains("\nlicence: Apache-2.0\n"))

        try TestPictures.waves().write(to: folder.file("in.png"))
        for name in ["whole", "parted"] {
            #expect(try run("sr", "in.png", "--model", name, "-o", "\(name).png").status == 0)
        }
        #expect(try folder.bytes("whole.png") == folder.bytes("parted.png"))
        let times = try run("benchmark", "--model", "parted", "--size", "32", "--repeat", "2").outputLines
        #expect(times.count == 2 && times.allSatisfy { Double($0) != nil })
        #expect(try run("export", "parted", "-o", "exported").status == 0)
    }

    @Test func damagedModelsAreNamed() throws {
        try folder.write("weights, allegedly", as: "store/bad.safetensors")
        let outcome = try run("models")
        #expect(outcome.status == 65)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("bad.safetensors"))
    }

    @Test func showPrintsCardAndRecipe() throws {
        try install("tiny")
        for model in ["tiny", folder.file("store/tiny.safetensors")] {
            let output = try run("models", "show", model).output
            #expect(output.contains("\nlicence: Apache-2.0\n"))
            #expect(output.contains("\nformat: restore-sr3\n"))
            #expect(output.contains("configuration: {"))
            #expect(output.contains("\n\nname: tiny\n# the recipe's text\n"))
        }
    }

    @Test func modelsAreFoundByName() throws {
        try TestPictures.waves().write(to: folder.file("in.png"))
        try install("tiny")
        #expect(try run("sr", "in.png", "--model", "tiny", "-o", "named.png").status == 0)
        // The default model's name is looked up like any other.
        try install("sr3-x4")
        #expect(try run("sr", "in.png", "-o", "standard.png").status == 0)
        #expect(try folder.bytes("named.png") == folder.bytes("standard.png"))
        // The last part of a name is enough where one model alone ends like that.
        try install("sr3-x4-real")
        #expect(try run("sr", "in.png", "--model", "real", "-o", "real.png").status == 0)
        try install("other-real")
        let outcome = try run("sr", "in.png", "--model", "real", "-o", "both.png")
        #expect(outcome.status == 66 && outcome.errors.contains("there is no model 'real'"))
    }

    @Test func benchmarkPrintsItsTimes() throws {
        try install("sr3-x4")
        let outcome = try run("benchmark", "--size", "32", "--repeat", "3")
        #expect(outcome.status == 0)
        let times = outcome.outputLines.compactMap { Double($0) }
        #expect(outcome.outputLines.count == 3)
        #expect(times.count == 3)
        #expect(times.allSatisfy { $0 > 0 })
    }

    @Test func aDeblurringModelHasTwoNetworksToTime() throws {
        let model = try TestModels.tinyDeconvolving
        for network in ["denoiser", "predictor"] {
            let outcome = try run(
                "benchmark", "--model", model, "--network", network, "--size", "32", "--repeat", "2")
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.outputLines.compactMap { Double($0) }.filter { $0 > 0 }.count == 2)
        }
        let outcome = try run("benchmark", "--model", TestModels.tiny, "--network", "predictor")
        #expect(
            outcome.status == 64 && outcome.errors.contains("--network predictor is for deblurring models"))
    }

    @Test func onlyTheKnownDataSetsAreListed() throws {
        try folder.write(DatasetsTests.manifest("waves"), as: "store/waves.yaml")
        let outcome = try run("datasets")
        #expect(outcome.status == 0)
        #expect(outcome.output == "waves  The waves: test, licence CC0-1.0\n  https://example.org/waves\n")
    }
}
