import Diffusion
import Foundation
import Tensors

@testable import Deblur

/// Small models and pictures, made rather than stored.
enum TestModels {
    /// Networks that are computed in a few milliseconds.
    static func configuration(
        residualScale: Double = 0.1, conditionsOnPrediction: Bool = true,
        parameterization: Parameterization = .velocity
    ) -> DeblurConfiguration {
        let shape = UNetConfiguration(
            conditionChannels: 0, baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 2)
        var denoiser = shape
        denoiser.conditionChannels = conditionsOnPrediction ? 6 : 3
        return DeblurConfiguration(
            predictor: shape, denoiser: denoiser, residualScale: residualScale,
            conditionsOnPrediction: conditionsOnPrediction, parameterization: parameterization,
            sampling: .init(steps: 2))
    }

    /// A model with random weights in every layer, also in those that start at zero.
    ///
    /// - Parameter strength: of all weights; small ones change pictures little.
    static func random(
        _ configuration: DeblurConfiguration = configuration(), seed: UInt64 = 7, strength: Double = 1
    ) throws -> DeblurModel {
        let model = try DeblurModel(configuration, seed: seed)
        try noGrad {
            for (index, parameter) in model.networks.parameters.enumerated() {
                let shape = parameter.value.shape
                let inputs = shape.count > 1 ? shape.dropFirst().reduce(1, *) : 16
                let noise = try NoiseField(seed: seed, sample: index)
                    .tensor(step: 0, channels: 1, height: 1, width: shape.reduce(1, *))
                try parameter.value.copy(
                    from: (noise * (strength / Double(inputs).squareRoot())).reshaped(shape))
            }
        }
        return model
    }

    /// A soft picture in [-1, 1] with some texture, 1×3×height×width.
    static func picture(height: Int, width: Int, seed: UInt64 = 1) throws -> Tensor {
        let noise = try NoiseField(seed: seed).tensor(step: 0, channels: 3, height: height, width: width)
        var waves: [Float] = []
        for channel in 0..<3 {
            for y in 0..<height {
                for x in 0..<width { waves.append(0.5 * sin(Float(x + channel) / 5) * cos(Float(y) / 7)) }
            }
        }
        return try (Tensor(waves, shape: [1, 3, height, width]) + noise * 0.05).clamped(-1, 1)
    }
}

/// Largest difference of two tensors.
func largestDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try (a - b).magnitude().max().item()
}

/// ‖a − b‖ / ‖b‖.
func relativeDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try ((a - b).squared().sum().item() / max(1e-30, b.squared().sum().item())).squareRoot()
}
