import Deblur
import Foundation
import SR3
import Tensors

/// Tiny SR3 models with random weights: quick, and worth nothing.
enum TestModels {
    /// As the files spell it, which also says what a file of this version must mean.
    static let configuration = """
        {"scale": 4, "target": {"residual": {"scale": 0.5}}, "parameterization": "velocity",
         "schedule": "linear:1e-6:1e-2:2000",
         "network": {"baseWidth": 8, "multipliers": [1], "blocks": 1, "patchSize": 2},
         "sampling": {"method": "ddim", "steps": 2, "eta": 0, "variance": 1, "temperature": 1,
                      "schedule": "linear:1e-6:1e-2:2000"}}
        """

    typealias Weights = [(name: String, value: Tensor)]

    /// Writes a model file, its weights changed as `change` likes.
    static func write(
        to path: String, card: [String: String] = [:], _ change: (inout Weights) throws -> Void = { _ in }
    ) throws {
        let shape = try JSONDecoder().decode(SR3Configuration.self, from: Data(configuration.utf8))
        var weights: Weights = []
        for (index, parameter) in try SR3Model(shape).network.parameters.enumerated() {
            let size = parameter.value.shape
            let inputs = size.count > 1 ? size.dropFirst().reduce(1, *) : 16
            let noise = try NoiseField(seed: 5, sample: index)
                .tensor(step: 0, channels: 1, height: 1, width: size.reduce(1, *))
            weights.append((parameter.name, try (noise / Double(inputs).squareRoot()).reshaped(size)))
        }
        try change(&weights)
        try SR3Model.save(weights, configuration: shape, metadata: card, to: path)
    }

    /// The same for deblurring; small weights, so that pictures stay what they are.
    static let deblurConfiguration = """
        {"predictor": {"baseWidth": 8, "multipliers": [1], "blocks": 1, "patchSize": 2},
         "denoiser": {"baseWidth": 8, "multipliers": [1], "blocks": 1, "patchSize": 2},
         "residualScale": 0.1, "conditionsOnPrediction": true, "parameterization": "velocity",
         "schedule": "linear:1e-6:1e-2:2000",
         "sampling": {"method": "ddim", "steps": 2, "eta": 0, "variance": 1, "temperature": 1,
                      "schedule": "linear:1e-6:1e-2:2000"},
         "perception": [{"perception": 0, "steps": 1, "samples": 4, "maximumNoise": 1},
                        {"perception": 1, "steps": 5, "samples": 1, "maximumNoise": 1}]}
        """

    /// - Parameter deconvolution: what is added to the configuration.
    private static func writeDeblur(to path: String, deconvolution: String = "") throws {
        let text = deblurConfiguration.replacingOccurrences(
            of: "\"residualScale\"", with: deconvolution + "\"residualScale\"")
        let shape = try JSONDecoder().decode(DeblurConfiguration.self, from: Data(text.utf8))
        let weights = try DeblurModel(shape).networks.parameters.enumerated().map { index, parameter in
            let size = parameter.value.shape
            let noise = try NoiseField(seed: 6, sample: index)
                .tensor(step: 0, channels: 1, height: 1, width: size.reduce(1, *))
            let inputs = size.count > 1 ? size.dropFirst().reduce(1, *) : 16
            return (parameter.name, try (noise * (0.3 / Double(inputs).squareRoot())).reshaped(size))
        }
        try DeblurModel.save(
            weights, configuration: shape,
            metadata: ["name": "tiny-deblur", "description": "random weights"],
            to: path)
    }

    /// A folder with the models below, made once for all tests.
    static let folder: Result<TestFolder, any Error> = Result {
        let folder = try TestFolder()
        try write(
            to: folder.file("tiny.safetensors"),
            card: [
                "name": "tiny", "description": "random weights for tests", "licence": "Apache-2.0",
                "samples": "123", "training_sets": "none", "recipe": "name: tiny\n# the recipe's text\n",
            ])
        try writeDeblur(to: folder.file("tiny-deblur.safetensors"))
        try writeDeblur(
            to: folder.file("tiny-deconvolving.safetensors"),
            deconvolution: "\"deconvolution\": {\"kernelSide\": 9, \"regularization\": 0.01}, ")
        atexit { try? FileManager.default.removeItem(atPath: (try? TestModels.folder.get().path) ?? "") }
        return folder
    }

    static var tinyDeblur: String { get throws { try folder.get().file("tiny-deblur.safetensors") } }
    /// The same, after a deconvolution.
    static var tinyDeconvolving: String {
        get throws { try folder.get().file("tiny-deconvolving.safetensors") }
    }
    static var tiny: String { get throws { try folder.get().file("tiny.safetensors") } }
}
