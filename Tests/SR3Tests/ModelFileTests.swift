import Diffusion
import Foundation
import SR3
import Tensors
import Testing

@Suite("SR3: model files")
struct ModelFileTests {
    /// Gives the path of a file in a folder that then goes away.
    private func withFile<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("SR3Tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder + "/model.safetensors")
    }

    @Test(arguments: [(DType.float16, 1e-3), (.float32, 0)])
    func weightsConfigurationAndCardComeBack(dtype: DType, tolerance: Double) throws {
        var configuration = TestModels.configuration(target: .residual(scale: 0.2))
        configuration.sampling = SamplingDefaults(
            method: .ddpm, steps: 9, eta: 0.25, variance: 0.75, temperature: 0.5, schedule: "cosine:40")
        let model = try TestModels.random(configuration)
        let loaded = try withFile { path in
            try SR3Model.save(
                model.network.parameters, configuration: configuration, metadata: ["licence": "Apache-2.0"],
                to: path,
                dtype: dtype)
            return try SR3Model.load(path)
        }
        #expect(loaded.configuration == configuration)
        #expect(loaded.metadata["licence"] == "Apache-2.0")
        #expect(loaded.network.parameters.map(\.name) == model.network.parameters.map(\.name))
        for (old, new) in zip(model.network.parameters, loaded.network.parameters) {
            #expect(try distance(old.value, new.value) <= tolerance * 2, "\(old.name)")
            #expect(try distance(old.value.to(dtype).to(.float32), new.value) == 0, "\(old.name)")
            #expect(new.value.dtype == .float32)
            #expect(!new.value.requiresGrad)
        }
        let noisy = try noise([1, 3, 8, 8], seed: 3)
        let outputs = try [model, loaded].map {
            try $0.prediction(noisy: noisy, condition: noisy, signalLevel: Tensor([0.4]))
        }
        #expect(try distance(outputs[0], outputs[1]) <= tolerance * 20)
    }

    /// The reason for which a file is refused as a model.
    private func reason(
        metadata: [String: String]? = nil,
        _ change: (inout [(name: String, value: Tensor)]) throws -> Void = { _ in }
    ) throws -> String {
        let model = try TestModels.random()
        var weights = model.network.parameters
        try noGrad { try change(&weights) }
        return try withFile { path in
            if let metadata {
                try SafetensorsWriter.write(
                    weights.map { ($0.name, try $0.value.detach()) }, metadata: metadata, to: path)
            } else {
                try SR3Model.save(weights, configuration: model.configuration, metadata: [:], to: path)
            }
            let error = try #require(throws: ModelError.self) { try SR3Model.load(path) }
            #expect(error.path == path)
            #expect("\(error)".contains(path))
            return error.reason
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func weightsMustBeFinite(value: Float) throws {
        let reason = try reason { weights in
            let index = try #require(weights.firstIndex { $0.name == "output.bias" })
            weights[index].value = try Tensor([0.5, value, 0])
        }
        #expect(reason == "the weight 'output.bias' contains NaN or infinity")
    }

    @Test func weightsMustHaveTheNetworksShapes() throws {
        let reason = try reason { weights in
            let index = try #require(weights.firstIndex { $0.name == "output.bias" })
            weights[index].value = try Tensor([0, 0, 0, 0])
        }
        #expect(reason.contains("'output.bias' has another shape than the network's"))
    }

    @Test func everyWeightMustBeThere() throws {
        #expect(try reason { $0.removeAll { $0.name == "input.bias" } }.contains("there is no 'input.bias'"))
    }

    @Test func weightsWithoutAPlaceAreRefused() throws {
        let reason = try reason { $0.append(("surplus.weight", try Tensor([1]))) }
        #expect(reason == "the network has no place for the weight 'surplus.weight'")
    }

    @Test(arguments: [[:], ["format": "another"], ["format": "restore-sr3"], ["configuration": "{}"]])
    func otherFilesAreNoModels(metadata: [String: String]) throws {
        #expect(try reason(metadata: metadata) == "it is not an SR3 model of restore")
    }

    @Test(arguments: ["", "{}", "[1,2", "null"]) func configurationMustBeReadable(text: String) throws {
        let reason = try reason(metadata: ["format": "restore-sr3", "configuration": text])
        #expect(reason == "its configuration cannot be read")
    }

    /// What a file says is checked before it is believed.
    @Test(arguments: [
        ("\"scale\":4", "\"scale\":0", "scale must be 2 to 8"),
        ("\"scale\":4", "\"scale\":4000000000000000000", "scale must be 2 to 8"),
        ("\"steps\":4", "\"steps\":0", "sampling.steps must be 1 to 2000"),
        ("\"steps\":4", "\"steps\":2001", "sampling.steps must be 1 to 2000"),
        ("\"eta\":0", "\"eta\":1.5", "sampling.eta must be 0 to 1"),
        ("\"variance\":1", "\"variance\":-1", "sampling.variance must be 0 to 2"),
        ("\"temperature\":1", "\"temperature\":2", "sampling.temperature must be 0 to 1"),
        (
            "linear:1e-6:1e-2:2000", "linear:1:1",
            "'linear:1:1' is not a schedule: write linear:LOW:HIGH:STEPS or cosine:STEPS"
        ),
        ("\"baseWidth\":8", "\"baseWidth\":-8", "baseWidth must be 4 to 1024, a multiple of 4"),
    ])
    func impossibleConfigurationsInFiles(old: String, new: String, expected: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(TestModels.configuration()), as: UTF8.self)
        try #require(text.contains(old), "\(text)")
        let changed = text.replacingOccurrences(of: old, with: new)
        #expect(try reason(metadata: ["format": "restore-sr3", "configuration": changed]) == expected)
    }

    @Test func configurationsThatCannotBeAreRefused() throws {
        var scale = TestModels.configuration()
        for value in [-1, 0, 1, 9, 1000] {
            scale.scale = value
            #expect(throws: NetworkError.self, "scale \(value)") { try SR3Model(scale) }
        }
        for value in [0, -0.1, 2.01, .nan, .infinity] {
            let target = TestModels.configuration(target: .residual(scale: value))
            #expect(throws: NetworkError.self, "residual \(value)") { try SR3Model(target) }
        }
        var channels = TestModels.configuration()
        for (image, condition) in [(3, 4), (1, 1), (4, 4)] {
            channels.network.imageChannels = image
            channels.network.conditionChannels = condition
            #expect(throws: NetworkError.self) { try SR3Model(channels) }
        }
        channels.network.imageChannels = 3
        channels.network.conditionChannels = 3
        #expect(throws: Never.self) { try SR3Model(channels) }
    }
}
