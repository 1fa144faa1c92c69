import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import Tensors

@testable import SR3

/// Small models and pictures, made rather than stored.
enum TestModels {
    /// A configuration whose network is computed in a few milliseconds.
    static func configuration(
        scale: Int = 4, target: SR3Configuration.Target = .residual(scale: 0.13),
        parameterization: Parameterization = .velocity, patchSize: Int = 1
    ) -> SR3Configuration {
        SR3Configuration(
            scale: scale, target: target, parameterization: parameterization,
            schedule: "linear:1e-6:1e-2:2000",
            network: UNetConfiguration(baseWidth: 8, multipliers: [1], blocks: 1, patchSize: patchSize))
    }

    /// A model with random weights in every layer, also in those that start at zero.
    static func random(_ configuration: SR3Configuration = configuration(), seed: UInt64 = 7) throws
        -> SR3Model
    {
        let model = try SR3Model(configuration, seed: seed)
        try fill(model) { index, shape in
            let inputs = shape.count > 1 ? shape.dropFirst().reduce(1, *) : 16
            let noise = try NoiseField(seed: seed, sample: index)
                .tensor(step: 0, channels: 1, height: 1, width: shape.reduce(1, *))
            return try (noise / Double(inputs).squareRoot()).reshaped(shape)
        }
        return model
    }

    /// A model whose network returns `factor` times three of its six input channels: those of
    /// the noisy picture (from 0) or of the condition (from 3).
    static func copying(
        channelsFrom first: Int, factor: Float = 1, _ configuration: SR3Configuration
    ) throws -> SR3Model {
        let model = try SR3Model(configuration)
        var names = model.network.parameters.map(\.name)
        try fill(model) { _, shape in
            let name = names.removeFirst()
            var values = [Float](repeating: 0, count: shape.reduce(1, *))
            for channel in 0..<3 where name == "input.weight" || name == "output.weight" {
                let from = name == "input.weight" ? first + channel : channel
                // The centre of a 3×3 kernel is its fourth number.
                values[(channel * shape[1] + from) * 9 + 4] = name == "input.weight" ? factor : 1
            }
            return try Tensor(values, shape: shape)
        }
        return model
    }

    private static func fill(_ model: SR3Model, _ value: (Int, [Int]) throws -> Tensor) throws {
        var values: [String: Tensor] = [:]
        for (index, parameter) in model.network.parameters.enumerated() {
            values[parameter.name] = try value(index, parameter.value.shape)
        }
        try model.network.load { values[$0] }
    }
}

/// Sampling settings, quick ones unless told otherwise.
func options(
    scale: Double = 4, steps: Int = 2, sampler: Sampler = .ddim(eta: 0),
    schedule: String = "linear:1e-4:0.1:100"
) throws -> SR3Restorer.Options {
    try SR3Restorer.Options(
        scale: scale, sampler: sampler, levels: NoiseSchedule(parsing: schedule).samplingLevels(steps))
}

/// A picture of soft waves of colour with some noise, well inside black and white.
func picture(
    width: Int, height: Int, channels: Int = 3, bitDepth: Int = 8, metadata: ImageMetadata = .init()
) throws -> Image {
    var state: UInt32 = 12345
    var samples: [UInt16] = []
    let unit = bitDepth == 16 ? 257.0 : 1
    for y in 0..<height {
        for x in 0..<width {
            for channel in 0..<channels {
                state = state &* 1_664_525 &+ 1_013_904_223
                let wave = sin(Double(x) * 0.4 + Double(channel)) + cos(Double(y) * 0.3 - Double(channel) * 2)
                let level = 100 + Double(channel) * 20 + 30 * wave + Double(state >> 24) / 16
                samples.append(UInt16(level * unit))
            }
        }
    }
    return try Image(
        width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples,
        metadata: metadata)
}

/// N(0, std²) in the shape of a batch of pictures, the same everywhere.
func noise(_ shape: [Int], seed: UInt64, std: Double = 1) throws -> Tensor {
    try Tensor.concatenated(
        (0..<shape[0]).map {
            try NoiseField(seed: seed, sample: $0)
                .tensor(step: 0, channels: shape[1], height: shape[2], width: shape[3]) * std
        }, dim: 0)
}

/// The largest difference between two tensors.
func distance(_ a: Tensor, _ b: Tensor) throws -> Double {
    guard a.shape == b.shape else { return .infinity }
    return try (a - b).magnitude().max().item()
}

/// The largest difference between two pictures, in levels; infinite for different kinds.
func distance(_ a: Image, _ b: Image) -> Double {
    guard a.width == b.width, a.height == b.height, a.channels == b.channels, a.bitDepth == b.bitDepth else {
        return .infinity
    }
    return zip(a.samples, b.samples).map { abs(Double($0) - Double($1)) }.max() ?? 0
}
