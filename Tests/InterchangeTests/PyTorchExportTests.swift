import Deblur
import Diffusion
import Foundation
import PythonReference
import SR3
import Tensors
import Testing

@testable import Interchange

/// What leaves for PyTorch does there what it did here.
@Suite("Export for PyTorch")
struct PyTorchExportTests {
    private let folder: InterchangeFolder

    init() throws { folder = try InterchangeFolder() }

    /// The parameters of a module filled with random numbers, nowhere zero.
    private func random(_ module: Module) throws -> [(name: String, value: Tensor)] {
        try module.parameters.enumerated().map { index, parameter in
            let shape = parameter.value.shape
            let inputs = shape.count > 1 ? shape.dropFirst().reduce(1, *) : 16
            let noise = try randomTensor(shape, seed: UInt64(index) + 10) / Double(inputs).squareRoot()
            let isScale =
                shape.count == 1 && parameter.name.contains("norm") && parameter.name.hasSuffix("weight")
            return (parameter.name, isScale ? try noise + 1 : noise)
        }
    }

    private func export(_ model: String) throws {
        let export = try PyTorchExport(model: model)
        try export.writeWeights(to: folder.file("model.safetensors"))
        try Data(PyTorchExport.loader.utf8).write(
            to: URL(fileURLWithPath: folder.file(PyTorchExport.loaderName)))
    }

    private func results(_ tensors: [(name: String, value: Tensor)]) throws -> SafetensorsFile {
        try PythonReference.results(
            of: "InterchangeTests/Fixtures/exported.py", tensors, trailing: [folder.path])
    }

    private static let networks: [UNetConfiguration] = [
        .init(baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 2),
        .init(
            baseWidth: 8, multipliers: [1, 2], blocks: 1, attentionLevels: [1], norm: .group,
            levelConditioning: .affine, patchSize: 1, residualResampling: true, skipConnections: .concatenated
        ),
        .init(
            baseWidth: 8, multipliers: [1, 2], blocks: 2, attentionLevels: [0], norm: .group, patchSize: 1,
            skipConnections: .concatenated, resampling: .strided, middleAttention: .once, headWidth: 0,
            groups: 2, levelEncoding: .amplitude),
        .init(
            baseWidth: 8, multipliers: [1, 2], blocks: 1, norm: .group, patchSize: 1,
            skipConnections: .concatenated, resampling: .stridedAtEnd, middleAttention: .once, headWidth: 4,
            groups: 4, normEpsilon: 1e-6,
            levelEncoding: .timestep(schedule: "linear:1e-4:0.02:1000", frequencyShift: 1)),
    ]

    @Test(
        .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"), arguments: networks,
        [DType.float16, .float32])
    func superResolutionComesOutTheSame(_ network: UNetConfiguration, dtype: DType) throws {
        let configuration = SR3Configuration(
            scale: 4, target: .image, parameterization: .noise, schedule: "linear:1e-4:0.02:1000",
            network: network)
        let source = folder.file("source.safetensors")
        try SR3Model.save(
            random(SR3Model(configuration).network), configuration: configuration, metadata: ["licence": "x"],
            to: source, dtype: dtype)
        try export(source)
        let file = try SafetensorsFile(path: folder.file("model.safetensors"))
        #expect(file.names.allSatisfy { file.entry($0)?.dtype == .float32 })
        #expect(file.metadata["licence"] == "x")

        // A size that must be padded, and one level for both pictures.
        let (noisy, condition) = try (
            randomTensor([2, 3, 13, 18], seed: 1), randomTensor([2, 3, 13, 18], seed: 2)
        )
        let gamma = try Tensor([0.3])
        let wanted = try results([("noisy", noisy), ("condition", condition), ("gamma", gamma)])
        for path in [source, folder.file("model.safetensors")] {
            let model = try SR3Model.load(path)
            let prediction = try noGrad {
                try model.prediction(noisy: noisy, condition: condition, signalLevel: gamma)
            }
            let difference = try relativeDifference(prediction, #require(try wanted.tensor("prediction")))
            #expect(difference < 1e-4)
            print("export \(dtype): \(difference)")
        }
    }

    @Test(
        .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"), arguments: [false, true],
        [false, true])
    func deblurringComesOutTheSame(conditionsOnPrediction: Bool, deconvolves: Bool) throws {
        var network = UNetConfiguration(
            conditionChannels: 0, baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 2)
        var denoiser = network
        denoiser.conditionChannels = conditionsOnPrediction ? 6 : 3
        if deconvolves { network.imageChannels = 6 }
        let configuration = DeblurConfiguration(
            predictor: network, denoiser: denoiser, residualScale: 0.1,
            // What improves kernels is no part of the networks there, and must not be in their way.
            deconvolution: deconvolves
                ? Deconvolution(
                    network: .init(baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 1)) : nil,
            conditionsOnPrediction: conditionsOnPrediction, parameterization: .velocity,
            schedule: "linear:1e-6:1e-2:2000")
        let source = folder.file("source.safetensors")
        try DeblurModel.save(
            random(DeblurModel(configuration).networks), configuration: configuration, metadata: [:],
            to: source)
        try export(source)
        let networks = try DeblurModel.load(source).networks
        let (noisy, blurred) = try (
            randomTensor([1, 3, 10, 15], seed: 1), randomTensor([1, 3, 10, 15], seed: 2)
        )
        let gamma = try Tensor([0.6])
        let deconvolved = try randomTensor([1, 3, 10, 15], seed: 3)
        let wanted = try results([
            ("noisy", noisy), ("blurred", blurred), ("deconvolved", deconvolved), ("gamma", gamma),
        ])
        let (sharp, prediction) = try noGrad {
            let sharp = try networks.prediction(of: blurred, deconvolved: deconvolved)
            return (
                sharp,
                try networks.denoiser(
                    noisy, condition: networks.condition(blurred: blurred, prediction: sharp),
                    signalLevel: gamma)
            )
        }
        #expect(try relativeDifference(sharp, #require(try wanted.tensor("sharp"))) < 1e-4)
        #expect(try relativeDifference(prediction, #require(try wanted.tensor("prediction"))) < 1e-4)
    }

    @Test func theConfigurationIsJSONOfItsOwn() throws {
        let configuration = SR3Configuration(
            scale: 3, target: .residual(scale: 0.2), parameterization: .velocity, schedule: "cosine:100",
            network: Self.networks[0], sampling: SamplingDefaults(steps: 5, schedule: "cosine:100"))
        let source = folder.file("source.safetensors")
        try SR3Model.save(
            SR3Model(configuration).network.parameters, configuration: configuration, metadata: [:],
            to: source)
        struct Document: Decodable {
            let format: String
            let configuration: SR3Configuration
        }
        let text = try PyTorchExport(model: source).configuration
        let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        #expect(document.format == "restore-sr3")
        #expect(document.configuration == configuration)
    }

    @Test func otherFilesAreRefused() throws {
        let path = folder.file("other.safetensors")
        try SafetensorsWriter.write([("x", try Tensor([1]))], metadata: ["format": "another"], to: path)
        let error = try #require(throws: ModelError.self) { try PyTorchExport(model: path) }
        #expect(error.description == "'\(path)' cannot be used as a model: it is not a model of restore")
    }
}
