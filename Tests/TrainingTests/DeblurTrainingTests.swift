import Deblur
import Degradation
import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import Tensors
import Testing

@testable import Training

/// The shipped recipe made small: the same keys, a network of a few thousand weights.
///
/// - Parameter deconvolves: whether the predictor sees deconvolved pictures, which takes larger ones.
func deblurText(_ changes: [String: String] = [:], deconvolves: Bool = false) throws -> String {
    let text = try String(contentsOfFile: "\(Package.recipes)/deblur.yaml", encoding: .utf8)
    let small = [
        "sets": "[]", "patchSize": "4", "baseWidth": "8", "multipliers": "[1, 2]", "blocks": "1",
        "validationCount": "2", "frames": "null", "framesShare": "0", "extent": "[2, 6]",
        "sceneExtent": "[2, 8]",
        "defocusRadius": "[1, 2]", "gaussianSigma": "[0.5, 1]", "warmupSteps": "10", "batchSize": "4",
        "minutes": "60", "checkpointMinutes": "60", "validationMinutes": "60",
    ]
    let made = recipeText(small.merging(changes) { $1 }, of: text)
        .replacingOccurrences(of: "sets: []\n  patchSize: 4", with: "sets: []\n  patchSize: 32")
        .replacingOccurrences(of: "  steps: 400000", with: "  steps: 8")
    let lines = made.split(separator: "\n", omittingEmptySubsequences: false)
    // The classifier of the perceptual loss is no part of the project.
    let left = ["  frameCounts:", "  perceptual:", "    network: efficientnet", "    weight:"]
    return lines.compactMap { line -> String? in
        if left.contains(where: line.hasPrefix) { return nil }
        if line.hasPrefix("  kernelEstimates:") { return deconvolves ? "  kernelEstimates: 6" : nil }
        if line.hasPrefix("  deconvolution:") {
            return deconvolves ? "  deconvolution: { kernelSide: 9, regularization: 0.01 }" : nil
        }
        return String(line)
    }.joined(separator: "\n")
}

extension TrainerTests {
    /// What a run leaves that is stopped after three steps and resumed.
    func tensorsOfResumedRun(_ text: String, output: String) throws -> [String: [UInt8]] {
        var count = 0
        #expect(
            try !trainer(text, output: output).run(report: { _ in count += 1 }, isCancelled: { count == 3 }))
        #expect(
            try trainer(text, output: output, resume: true).run(report: { _ in }, isCancelled: { false }))
        return try tensors(output)
    }

    @Test func aDeblurringRunLeavesAModelThatDeblurs() throws {
        let text = try deblurText()
        let run = try trainer(text, output: "blur")
        #expect(try run.plan().validation == 2)
        #expect(try run.run(report: { _ in }, isCancelled: { false }))
        let result = try #require(try curve("blur").last)
        #expect(
            Set(result.keys).isSuperset(of: ["psnr_blurred", "psnr_prediction", "psnr_mean", "psnr_sample"]))
        #expect(result["step"] == 8 && result["samples"] == 32)
        for (name, value) in result where name.hasPrefix("psnr") {
            #expect(value > 5 && value < 60, "\(name)")
        }
        let model = try DeblurModel.load(run.weightsPath)
        #expect(model.metadata["task"] == "deblur" && model.metadata["recipe"] == text)
        #expect(model.configuration.residualScale == 0.1)
        let picture = try RenderedPictures.picture(3, side: 40).tensor()
        #expect(try DeblurRestorer(model).predicted(picture).shape == picture.shape)
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/blur/validation.png"))
    }

    /// With Muon's momentum and AdamW's moments both in the checkpoint; kernels that are estimated before training
    /// are estimated anew.
    @Test(arguments: [false, true]) func aResumedDeblurringRunIsTheSameRun(deconvolves: Bool) throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let text = try deblurText(deconvolves: deconvolves)
        #expect(try trainer(text, output: "one").run(report: { _ in }, isCancelled: { false }))
        let (one, two) = (try tensors("one"), try tensorsOfResumedRun(text, output: "two"))
        #expect(
            one.keys.contains { $0.hasSuffix(".momentum") } && one.keys.contains { $0.hasSuffix(".exp_avg") })
        #expect(Set(one.keys) == Set(two.keys))
        for name in one.keys.sorted() { #expect(one[name] == two[name], "\(name)") }
        let configuration = try DeblurModel.load("\(folder.path)/one/deblur.safetensors").configuration
        #expect(
            configuration.deconvolution
                == (deconvolves ? Deconvolution(kernelSide: 9, regularization: 0.01) : nil))
        #expect(configuration.predictor.imageChannels == (deconvolves ? 6 : 3))
    }

    /// Lessons whose blur is divided out of light, and whose highlights were clipped, are others, and a run with them is resumed as any.
    @Test func lightAndHighlightsMakeOtherLessons() throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let plain = try deblurText(["storedValuesShare": "0"], deconvolves: true)
        let light = plain.replacing("  kernelEstimates:", with: "  lightShare: 1\n  kernelEstimates:")
        let bright = plain.replacing(
            "  storedValuesShare:", with: "  highlightShare: 1\n  highlights: [4, 8]\n  storedValuesShare:")
        let texts = [plain, light, bright]
        try #require(Set(texts).count == 3)
        var made: [[String: [UInt8]]] = []
        for (index, text) in texts.enumerated() {
            let output = "lessons-\(index)"
            #expect(try trainer(text, output: output).run(report: { _ in }, isCancelled: { false }))
            made.append(try tensors(output))
        }
        for index in 1...2 {
            #expect(Set(made[index].keys) == Set(made[0].keys))
            #expect(made[index].contains { made[0][$0.key] != $0.value })
        }
        #expect(try tensorsOfResumedRun(light, output: "again") == made[1])
    }

    /// A run with deconvolution goes on from a model without: it begins with that model's predictions.
    @Test func aModelWithoutDeconvolutionIsWidened() throws {
        #expect(try trainer(deblurText(), output: "plain").run(report: { _ in }, isCancelled: { false }))
        let path = "\(folder.path)/plain/deblur.safetensors"
        let plain = try DeblurModel.load(path).networks
        var configuration = plain.configuration
        configuration.deconvolution = Deconvolution(kernelSide: 9)
        configuration.predictor.imageChannels = 6
        let wide = try PredictAndRefine(configuration, seed: 3)
        try StartingPoint(path).load(into: wide)
        let picture = try RenderedPictures.picture(3, side: 48).tensor()
        let other = try RenderedPictures.picture(4, side: 48).tensor()
        let (a, b) = try noGrad {
            (try plain.prediction(of: picture), try wide.prediction(of: picture, deconvolved: other))
        }
        #expect(try (a - b).magnitude().max().item() < 1e-5)
        // The other way round something would be lost.
        let back = "\(folder.path)/wide.safetensors"
        try DeblurModel.save(wide.parameters, configuration: configuration, metadata: [:], to: back)
        let narrow = try PredictAndRefine(plain.configuration)
        #expect(throws: DataError.self) { try StartingPoint(back).load(into: narrow) }
    }

    /// A run goes on from narrower networks: it begins with their predictions, and its new channels can learn.
    @Test func aNarrowerModelIsWidened() throws {
        #expect(try trainer(deblurText(), output: "narrow").run(report: { _ in }, isCancelled: { false }))
        let path = "\(folder.path)/narrow/deblur.safetensors"
        let narrow = try DeblurModel.load(path).networks
        var configuration = narrow.configuration
        configuration.predictor.baseWidth = 12
        configuration.denoiser.baseWidth = 16
        let wide = try PredictAndRefine(configuration, seed: 3)
        try StartingPoint(path).load(into: wide)
        let picture = try RenderedPictures.picture(3, side: 48).tensor()
        let (a, b) = try noGrad { (try narrow.prediction(of: picture), try wide.prediction(of: picture)) }
        #expect(try (a - b).magnitude().max().item() < 1e-5)
        #expect(try (a - picture).magnitude().max().item() > 1e-3)
        wide.setTraining(true)
        try wide.prediction(of: picture).squared().mean().backward()
        let layer = try #require(wide.predictor.parameters.first { $0.name == "down0_0.conv2.weight" })
        let gradient = try #require(layer.value.grad)
        // What the old channels will see of the new ones.
        let part = try gradient.narrowed(0, start: 0, count: 8).narrowed(1, start: 8, count: 4)
        #expect(try part.magnitude().max().item() > 0)
        // The averages of a narrower run's checkpoint do not fit, nor does its optimiser's state.
        let checkpoint = try StartingPoint("\(folder.path)/narrow")
        try checkpoint.load(into: wide)
        let recipe = try Recipe(yaml: deblurText(), path: "r.yaml")
        let isWarm = try checkpoint.load(
            ema: EMA(wide.parameters, decay: 0.9),
            optimizer: RunOptimizer(wide.parameters, settings: recipe.optimizer))
        #expect(!isWarm)
        // Where channels are joined or split the first of a wider layer are not those of a narrower one.
        configuration.predictor.norm = .group
        let grouped = try PredictAndRefine(configuration, seed: 3)
        #expect(throws: DataError.self) { try StartingPoint(path).load(into: grouped) }
    }

    /// Estimates take minutes: who stops a run then is heard, and nothing is left behind.
    @Test func aRunIsCancelledWhileItEstimates() throws {
        let run = try trainer(deblurText(deconvolves: true), output: "early")
        #expect(throws: CancellationError.self) { try run.run(report: { _ in }, isCancelled: { true }) }
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/early"))
    }

    @Test func estimatesAreTheSameOnAnyNumberOfThreads() throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        let photos = try PhotoCollection(
            paths: (0..<3).map { index in
                let path = try folder.file("photo\(index).png")
                try RenderedPictures.picture(index, side: 200).write(to: path)
                return path
            }, minimum: 64)
        var degradation = BlurDegradation(shares: [.linear: 1, .gaussian: 1], extent: .init(3, 7))
        degradation.gaussianSigma = .init(0.5, 1)
        // Searches that differ are led to other kernels by it.
        degradation.readNoise = .init(0.06, 0.12)
        func estimates(ways: Int) throws -> KernelEstimates {
            try KernelEstimates(
                5, of: Deconvolution(kernelSide: 9), ways: ways, degradation: degradation, photos: photos,
                frames: nil, seed: 4)
        }
        let made = try [1, 2].map { count in
            try Device.setThreads(count)
            defer { #expect(Device.threads == count) }
            return try estimates(ways: Deconvolution.mostEstimates)
        }
        #expect(made[0].pairs == made[1].pairs && made[0].pairs.count == 5 && made[0].motions.isEmpty)
        #expect(Set(made[0].pairs.map(\.estimate.values)).count > 1)
        // Of the same pictures another way finds other kernels, and some are the better ones.
        let single = try estimates(ways: 1).pairs
        #expect(single.map(\.draw) == made[0].pairs.map(\.draw))
        let changed = zip(single, made[0].pairs).filter { $0.estimate != $1.estimate }.count
        #expect(changed > 0)
        // A kernel and its estimate are turned together, and noise is the crop's own.
        var random = CounterStream(seed: 9)
        var noise = degradation.draw(.none, using: &random)
        noise.readNoise = 0.123
        for _ in 0..<20 {
            let taken = made[0].take(noise, using: &random)
            #expect(taken.draw.readNoise == 0.123)
            let poses = (0..<8).map { pose in
                made[0].pairs.filter { $0.draw.kernel.posed(pose) == taken.draw.kernel }
            }
            #expect(poses.contains { !$0.isEmpty })
        }
    }

    /// The predictor learns: on pictures it never saw its error falls well below the input's.
    @Test func aShortRunTeachesThePredictorToDeblur() throws {
        let text = try deblurText([
            "baseWidth": "32", "shares": "{ gaussian: 1 }", "gaussianSigma": "[1.5, 1.5]", "jpegShare": "0",
            "noiselessShare": "1", "warmupSteps": "20", "learningRate": "1.0e-3", "decayFraction": "0.5",
        ]).replacingOccurrences(of: "  steps: 8", with: "  steps: 400")
        #expect(try trainer(text, output: "learn").run(report: { _ in }, isCancelled: { false }))
        let result = try #require(try curve("learn").last)
        let (blurred, prediction) = (
            try #require(result["psnr_blurred"]), try #require(result["psnr_prediction"])
        )
        print("a gaussian of 1.5 pixels after 400 steps: blurred \(blurred) dB, prediction \(prediction) dB")
        #expect(prediction > blurred + 1)
    }

    @Test func aSequenceOfFramesGivesRealMotion() throws {
        // A white square of 8 pixels that moves two pixels a frame.
        for frame in 0..<15 {
            var samples = [UInt16](repeating: 0, count: 64 * 48 * 3)
            for y in 20..<28 {
                for x in (10 + 2 * frame)..<(18 + 2 * frame) {
                    for channel in 0..<3 { samples[(y * 64 + x) * 3 + channel] = 255 }
                }
            }
            try Image(width: 64, height: 48, channels: 3, bitDepth: 8, samples: samples)
                .write(to: folder.file("frames/\(100 + frame).png"))
        }
        let paths = try FileManager.default.contentsOfDirectory(atPath: folder.file("frames")).map {
            try folder.file("frames/\($0)")
        }
        let frames = try FrameSequence(paths: paths.shuffled(), minimum: 48)
        var random = CounterStream(seed: 1)
        for _ in 0..<20 {
            let pair = try frames.pairs(
                [frames.take(size: 48, using: &random)], size: 48, sumsStoredValues: [false])
            let light = try TransferCurve.linear(pair.means).narrowed(1, start: 0, count: 1).reshaped([
                48, 48,
            ])
            let middle =
                try pair.middles.to(.float32).narrowed(1, start: 0, count: 1).reshaped([48, 48]) / 255
            // Light is kept: as much of it in the mean as in the middle frame, and as centred.
            func moments(_ plane: Tensor) throws -> (sum: Double, centre: [Double]) {
                let values = try plane.floats().map(Double.init)
                let sum = values.reduce(0, +)
                let x = values.enumerated().reduce(0) { $0 + Double($1.offset % 48) * $1.element } / sum
                let y = values.enumerated().reduce(0) { $0 + Double($1.offset / 48) * $1.element } / sum
                return (sum, [x, y])
            }
            let (a, b) = try (moments(light), moments(middle))
            guard b.sum > 63.9, a.sum > 63.9 else { continue }  // The crop cut the square.
            #expect(abs(a.sum - 64) < 1e-2)
            #expect(zip(a.centre, b.centre).allSatisfy { abs($0 - $1) < 1e-2 })
            #expect(try light.max().item() < 1 && middle.max().item() == 1)
        }
        #expect(throws: DataError.self) { try FrameSequence(paths: Array(paths.prefix(9)), minimum: 8) }
    }
}
