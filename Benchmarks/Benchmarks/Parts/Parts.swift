import Benchmark
import Deblur
import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import SR3
import Tensors

/// What a restored picture's time is made of, each part by itself. Weights are random where no model is
/// named: they do not change the time.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock], timeUnits: .microseconds, warmupIterations: 3, maxDuration: .seconds(2),
        maxIterations: 1000)

    for (channels, side) in [(64, 128), (128, 64), (192, 32)] {
        for (way, precision) in ways("libtorch", "restore") {
            timed("convolution 3×3, SiLU, \(channels) channels, \(side)×\(side), \(way)") {
                let layer = try Conv2d(channels, channels, Initializer(seed: 1))
                if let precision { try layer.prepareForInference(precision) }
                let x = try noise(channels: channels, side: side).channelsLast()
                return { try layer(x, then: .silu) }
            }
        }
    }
    for (count, side) in [(1, 256), (4, 256), (1, 512), (4, 512)] {
        for (way, precision) in ways("plain operators", "prepared") {
            timed("sr3-x4, one look, \(count) × \(side)×\(side), \(way)") {
                let model = try SR3Model.load(weights("SR3/Models/sr3-x4.safetensors"))
                if let precision { try model.network.prepareForInference(precision) }
                func pictures(_ step: Int) throws -> Tensor {
                    try Tensor.concatenated(
                        (0..<count).map { _ in try noise(side: side, step: step) }, dim: 0)
                }
                let (x, condition) = (try pictures(0), try pictures(1))
                let level = try Tensor.full([1], 0.5)
                return { try model.prediction(noisy: x, condition: condition, signalLevel: level) }
            }
        }
    }
    timed("deblur, predictor, 512×512") {
        let networks = try DeblurModel.load(weights("Deblur/Models/deblur.safetensors.index.json")).networks
        try networks.predictor.prepareForInference()
        let (blurred, deconvolved) = (try noise(side: 512), try noise(side: 512, step: 1))
        return { try networks.prediction(of: blurred, deconvolved: deconvolved) }
    }
    timed("deblur, denoiser, one look, 512×512") {
        let networks = try DeblurModel.load(weights("Deblur/Models/deblur.safetensors.index.json")).networks
        try networks.denoiser.prepareForInference()
        let (x, blurred) = (try noise(side: 512), try noise(side: 512, step: 1))
        let condition = try networks.condition(blurred: blurred, prediction: blurred)
        let level = try Tensor.full([1], 0.5)
        return { try networks.denoiser(x, condition: condition, signalLevel: level) }
    }
    timed("DDIM, one step without the network, 512×512") {
        let (x, still) = (try noise(side: 512), try noise(side: 512, step: 1))
        let context = SamplingContext(parameterization: .velocity, noise: { _ in x })
        return { try ddimSample({ _, _ in still }, levels: [0.2, 1], context: context) }
    }
    timed("noise of a picture, 512×512") {
        { try noise(side: 512) }
    }
    timed("bicubic, 128×128 to 512×512") {
        let x = try noise(side: 128)
        return { try x.resized(height: 512, width: 512) }
    }
    timed("consistency with the input, three rounds, 512×512") {
        let (x, lr) = (try noise(side: 512).clamped(-1, 1), try noise(side: 128).clamped(-1, 1))
        return { try SR3Restorer.consistent(x, with: lr) }
    }
    for format in [ImageFormat.png, .jpeg] {
        timed("encode \(format), 512×512") {
            let picture = try photograph(side: 512)
            return { try picture.encoded(as: format) }
        }
        timed("decode \(format), 512×512") {
            let bytes = try photograph(side: 512).encoded(as: format)
            return { try Image.decoded(from: bytes, name: "picture") }
        }
    }
    timed("load sr3-x4") {
        let path = weights("SR3/Models/sr3-x4.safetensors")
        return { try SR3Model.load(path) }
    }
    timed("load sr3-x4 and prepare it") {
        let path = weights("SR3/Models/sr3-x4.safetensors")
        return { try SR3Restorer(SR3Model.load(path)) }
    }
}

/// Times what `prepare` returns; preparing is not timed.
private func timed<Result>(_ name: String, _ prepare: @escaping @Sendable () throws -> () throws -> Result) {
    Benchmark(name) { benchmark in
        try noGrad {
            let body = try prepare()
            // What is done once for each size of input, as weights are packed, is not what is timed.
            blackHole(try body())
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { blackHole(try body()) }
            benchmark.stopMeasurement()
        }
    }
}

/// N(0, 1), 1×channels×side×side.
private func noise(channels: Int = 3, side: Int, step: Int = 0) throws -> Tensor {
    try NoiseField(seed: 1).tensor(step: step, channels: channels, height: side, width: side)
}

/// A picture of soft shapes with a little grain, which codecs find about as hard as a photograph.
private func photograph(side: Int) throws -> Image {
    let shapes = try noise(side: side / 16).resized(height: side, width: side)
    return try Image(tensor: (shapes * 0.4 + noise(side: side, step: 1) * 0.03).clamped(-1, 1))
}

/// A model's file in the sources of the package that this one lies in.
private func weights(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Sources/\(name)").standardizedFileURL.path
}

/// What a layer or network is timed in: not prepared, and prepared for each number format this processor has.
private func ways(_ plain: String, _ prepared: String) -> [(way: String, precision: InferencePrecision?)] {
    let rounded = [InferencePrecision.int16, .int8].filter(\.isSupported)
    return [(plain, nil), (prepared, .float32)] + rounded.map { ("\(prepared), \($0.rawValue)", $0) }
}
