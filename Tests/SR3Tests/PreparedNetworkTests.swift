import Diffusion
import Foundation
import ImageTensors
import SR3
import Tensors
import Testing

/// What restoring computes with, convolutions of our own with everything in one pass, beside the plain
/// operators that training was checked with.
@Suite("SR3: the prepared network of the shipped weights")
struct PreparedNetworkTests {
    static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Sources/SR3/Models").standardizedFileURL

    /// Sizes of whole patches, and odd ones; several samples at once.
    @Test(arguments: ["sr3-x4", "sr3-x4-real"], [(1, 160, 208), (1, 133, 91), (2, 61, 150)])
    func equalsThePlainOperators(_ name: String, _ size: (count: Int, height: Int, width: Int)) throws {
        try noGrad {
            let model = try SR3Model.load(Self.models.appendingPathComponent("\(name).safetensors").path)
            func noise(_ step: Int, _ height: Int, _ width: Int) throws -> Tensor {
                try Tensor.concatenated(
                    (0..<size.count).map {
                        try NoiseField(seed: 5, sample: $0).tensor(
                            step: step, channels: 3, height: height, width: width)
                    }, dim: 0)
            }
            let noisy = try noise(0, size.height, size.width)
            // Soft shapes with some grain, as in a photograph that was enlarged.
            let condition = try noise(1, size.height / 8 + 1, size.width / 8 + 1)
                .resized(height: size.height, width: size.width).clamped(-1, 1)
            let levels = [4.4e-5, 0.2, 0.9]
            func predictions() throws -> [Tensor] {
                try levels.map {
                    try model.prediction(
                        noisy: noisy, condition: condition, signalLevel: Tensor.full([1], $0))
                }
            }
            let plain = try predictions()
            try model.network.prepareForInference()
            for (level, pair) in zip(levels, zip(try predictions(), plain)) {
                // By the size of the predictions, 2 to 10 here: rounding grows with it, and other weights have another.
                let difference = try pair.0 - pair.1
                let worst = try difference.magnitude().max().item()
                let largest = try pair.1.magnitude().max().item()
                #expect(worst < 1.5e-5 * largest, "signal level \(level)")
                let (error, power) = (
                    try difference.squared().mean().item(), try pair.1.squared().mean().item()
                )
                #expect(error.squareRoot() < 5e-6 * power.squareRoot(), "signal level \(level)")
                #expect(try pair.1.magnitude().mean().item() > 0.1, "an empty prediction would prove nothing")
            }
        }
    }

    /// What integers may cost: int8 the bound it was built for, 45 dB between the pictures, int16 less than a gray level,
    /// 48 dB, by far. Of all of BSD100 see Results/integers.md.
    @Test(
        arguments: ["sr3-x4", "sr3-x4-real"],
        [(InferencePrecision.int8, 45.0), (.int16, 58)].filter { $0.0.isSupported })
    func integersDrawNearlyTheSamePicture(
        _ name: String, _ format: (precision: InferencePrecision, bound: Double)
    )
        throws
    {
        let path = Self.models.appendingPathComponent("\(name).safetensors").path
        let lr = try NoiseField(seed: 3).tensor(step: 0, channels: 3, height: 9, width: 12)
            .resized(height: 37, width: 50).clamped(-1, 1)
        func picture(_ precision: InferencePrecision, tile: Int?) throws -> Tensor {
            let restorer = try SR3Restorer(SR3Model.load(path), precision: precision)
            var options = try SR3Restorer.Options(
                defaults: restorer.model.configuration.sampling, scale: 4)
            options.tiling.side = tile
            return try restorer.restored(lr, height: 147, width: 199, options: options)
        }
        for tile in [nil, 96] {
            let (exact, rounded) = (
                try picture(.float32, tile: tile), try picture(format.precision, tile: tile)
            )
            let error = try exact.meanSquaredError(to: rounded).item()
            #expect(20 * log10(2 / error.squareRoot()) > format.bound)
            #expect(error > 0, "the same numbers would prove nothing")
        }
    }
}
