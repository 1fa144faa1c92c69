import Diffusion
import Foundation
import Tensors
import Testing

@testable import Deblur

struct ModelFileTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent(
        "restore-deblur-\(UUID().uuidString).safetensors"
    ).path

    @Test func whatIsSavedIsLoaded() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var configuration = TestModels.configuration(residualScale: 0.07, conditionsOnPrediction: false)
        configuration.sampling.steps = 7
        let model = try TestModels.random(configuration)
        try DeblurModel.save(
            model.networks.parameters, configuration: configuration, metadata: ["name": "x"], to: path,
            dtype: .float32)
        let loaded = try DeblurModel.load(path)
        #expect(loaded.configuration == configuration && loaded.metadata["name"] == "x")
        for (a, b) in zip(loaded.networks.parameters, model.networks.parameters) {
            #expect(a.name == b.name)
            #expect(try a.value.bytes() == b.value.bytes(), "\(a.name)")
            #expect(!a.value.requiresGrad)
        }
    }

    @Test func otherModelsAreRefused() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let model = try TestModels.random()
        func expect(_ reason: String, _ weights: [(name: String, value: Tensor)], _ format: String? = nil)
            throws
        {
            try DeblurModel.save(weights, configuration: model.configuration, metadata: [:], to: path)
            if let format {
                try SafetensorsWriter.write(weights, metadata: ["format": format], to: path)
            }
            let error = try #require(throws: ModelError.self) { try DeblurModel.load(path) }
            #expect(error.reason.contains(reason), "\(error)")
            #expect(error.path == path)
        }
        let weights = model.networks.parameters
        try expect("it is not a deblurring model of restore", weights, "restore-sr3")
        try expect("there is no 'predictor.", Array(weights.dropFirst()))
        try expect("no place for the weight 'extra'", weights + [("extra", try Tensor([1]))])
        var broken = weights
        broken[3].value = try Tensor.full(weights[3].value.shape, .nan)
        try expect("contains NaN or infinity", broken)
    }

    @Test func settingsThatCannotBeAreNamed() throws {
        var configuration = TestModels.configuration()
        configuration.residualScale = 0
        #expect(throws: NetworkError.self) { try configuration.validate() }
        configuration = TestModels.configuration()
        configuration.denoiser.conditionChannels = 3
        #expect(throws: NetworkError.self) { try PredictAndRefine(configuration) }
        configuration = TestModels.configuration()
        configuration.schedule = "linear:1e-6:1e-2:100"
        #expect(throws: ScheduleError.self) { try configuration.validate() }
        configuration = TestModels.configuration()
        configuration.sampling.eta = 2
        #expect(throws: NetworkError.self) { try configuration.validate() }
    }
}
