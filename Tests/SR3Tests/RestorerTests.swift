import Diffusion
import Foundation
import ImageFiles
import ImageTensors
import Metrics
import SR3
import Tensors
import Testing

@Suite("SR3: restoring pictures")
struct RestorerTests {
    static let scales = [1, 1.5, 2, 2.7, 3, 4, 5, 8, 11.3, 16]

    @Test(arguments: scales) func outputHasTheRoundedSize(scale: Double) throws {
        let restorer = try SR3Restorer(TestModels.random())
        for (width, height) in [(7, 5), (1, 1), (2, 9)] {
            let output = try restorer.restored(
                picture(width: width, height: height), options: options(scale: scale))
            #expect(output.width == Int((Double(width) * scale).rounded()))
            #expect(output.height == Int((Double(height) * scale).rounded()))
        }
    }

    @Test func outputSizeIsNeverZeroAndRoundsHalvesAway() {
        let size = SR3Restorer.outputSize(width: 5, height: 7, scale: 1.5)
        #expect(size.width == 8)
        #expect(size.height == 11)
    }

    @Test(arguments: [0, 0.99, 16.01, -4, .nan, .infinity]) func scalesOutsideTheRangeAreRefused(
        scale: Double
    ) throws {
        let restorer = try SR3Restorer(TestModels.random())
        let lr = try picture(width: 4, height: 4)
        var settings = try options()
        settings.scale = scale
        #expect(throws: SamplingError.self) { try restorer.restored(lr, options: settings) }
    }

    @Test(arguments: [2, 3, 4]) func networksOfOtherFactorsWorkToo(factor: Int) throws {
        let restorer = try SR3Restorer(TestModels.random(TestModels.configuration(scale: factor)))
        let output = try restorer.restored(picture(width: 5, height: 3), options: options(scale: 6))
        #expect(output.width == 30)
        #expect(output.height == 18)
    }

    @Test(arguments: [(1.0, 1), (3.0, 1), (4.0, 1), (4.1, 2), (16.0, 2)])
    func progressCountsEveryStepOfEveryPass(scale: Double, passes: Int) throws {
        let restorer = try SR3Restorer(TestModels.random())
        var settings = try options(scale: scale, steps: 3)
        settings.samples = 2
        var seen: [Int] = []
        var totals: Set<Int> = []
        settings.progress = { done, total in
            seen.append(done)
            totals.insert(total)
        }
        _ = try restorer.restored(picture(width: 3, height: 2), options: settings)
        #expect(totals == [passes * 2 * 3])
        #expect(seen == seen.sorted())
        #expect(Set(seen) == Set(0...(passes * 2 * 3)))
    }

    @Test func secondPassEnlargesTheFirst() throws {
        // A network that returns its condition enlarges twice by bicubic ×4.
        let configuration = TestModels.configuration(target: .image, parameterization: .clean)
        let restorer = try SR3Restorer(TestModels.copying(channelsFrom: 3, configuration))
        let lr = try picture(width: 7, height: 5).tensor()
        var settings = try options(scale: 16)
        settings.consistency = false
        let output = try restorer.restored(lr, height: 80, width: 112, options: settings)
        let twice = try lr.resized(height: 20, width: 28).clamped(-1, 1).resized(height: 80, width: 112)
        #expect(try distance(output, twice.clamped(-1, 1)) < 1e-4)
    }

    @Test func sameSeedSamePictureOtherSeedOther() throws {
        let restorer = try SR3Restorer(
            TestModels.random(TestModels.configuration(target: .residual(scale: 0.5))))
        let lr = try picture(width: 8, height: 6)
        var settings = try options(steps: 3)
        let first = try restorer.restored(lr, options: settings)
        #expect(try restorer.restored(lr, options: settings) == first)
        settings.seed = 1
        #expect(distance(try restorer.restored(lr, options: settings), first) > 2)
    }

    /// One step of a network that returns a quarter of the noise: the mean of n samples has
    /// the n-th part of its variance.
    @Test func averagingSamplesReducesVariance() throws {
        let configuration = TestModels.configuration(target: .image, parameterization: .clean)
        let restorer = try SR3Restorer(TestModels.copying(channelsFrom: 0, factor: 0.25, configuration))
        let gray = try Tensor.zeros([1, 3, 16, 16])
        func variance(_ samples: Int) throws -> Double {
            var settings = try options(steps: 1)
            settings.samples = samples
            settings.consistency = false
            return try restorer.restored(gray, height: 64, width: 64, options: settings).squared().mean()
                .item()
        }
        // 12288 values: their variance is known to about 1.3 %.
        #expect(try abs(variance(1) * 16 - 1) < 0.06)
        #expect(try abs(variance(4) * 64 - 1) < 0.06)
        #expect(try abs(variance(9) * 144 - 1) < 0.06)
    }

    /// Without noise sample k is what the network makes of the picture in the k-th pose.
    @Test(arguments: [(8, 6), (5, 7)]) func eachSampleSeesAnotherPose(width: Int, height: Int) throws {
        let restorer = try SR3Restorer(TestModels.random())
        let lr = try picture(width: width, height: height).tensor()
        var settings = try options()
        settings.temperature = 0
        for (index, pose) in Tensor.poses.enumerated() {
            settings.firstSample = index
            let sample = try restorer.restored(lr, height: 4 * height, width: 4 * width, options: settings)
            settings.firstSample = 0
            let turned = try lr.posed(pose)
            let first = try restorer.restored(
                turned, height: 4 * turned.shape[2], width: 4 * turned.shape[3], options: settings)
            #expect(try distance(sample, first.unposed(pose)) < 1e-5)
            #expect(try index == 0 || distance(sample, first) > 1e-3)
        }
    }

    @Test func temperatureScalesTheInitialNoise() throws {
        let configuration = TestModels.configuration(target: .image, parameterization: .clean)
        let restorer = try SR3Restorer(TestModels.copying(channelsFrom: 0, factor: 0.25, configuration))
        let gray = try Tensor.zeros([1, 3, 4, 4])
        var settings = try options(steps: 1)
        settings.consistency = false
        let full = try restorer.restored(gray, height: 16, width: 16, options: settings)
        settings.temperature = 0.5
        let half = try restorer.restored(gray, height: 16, width: 16, options: settings)
        #expect(try distance(half * 2, full) < 1e-5)
        #expect(try full.magnitude().max().item() > 0.1)
    }

    @Test func cancellingStopsBeforeTheNextStep() throws {
        let restorer = try SR3Restorer(TestModels.random())
        let lr = try picture(width: 4, height: 4)
        var settings = try options(steps: 50)
        var asked = 0
        settings.isCancelled = {
            asked += 1
            return asked == 3
        }
        #expect(throws: CancellationError.self) { try restorer.restored(lr, options: settings) }
        #expect(asked == 3)
    }

    @Test func modelDefaultsBecomeOptions() throws {
        let defaults = SamplingDefaults(
            method: .ddpm, steps: 7, variance: 0.5, temperature: 0.8, schedule: "cosine:50")
        let settings = try SR3Restorer.Options(defaults: defaults, scale: 3)
        #expect(settings.sampler == .ddpm(variance: 0.5))
        #expect(settings.levels == (try NoiseSchedule(parsing: "cosine:50").samplingLevels(7)))
        #expect(settings.temperature == 0.8)
        #expect(settings.scale == 3)
        #expect(SamplingDefaults(method: .ddim, eta: 0.3).sampler == .ddim(eta: 0.3))
        #expect(SamplingDefaults(method: .dpm).sampler == .dpmSolver)
    }
}

@Suite("SR3: agreement with the input")
struct ConsistencyTests {
    private func restorer() throws -> SR3Restorer {
        try SR3Restorer(TestModels.random(TestModels.configuration(target: .residual(scale: 0.3))))
    }

    @Test(arguments: [4, 2.7, 8]) func projectionReaches45Decibel(scale: Double) throws {
        let lr = try picture(width: 24, height: 17).tensor()
        let (height, width) = (Int((17 * scale).rounded()), Int((24 * scale).rounded()))
        var settings = try options(scale: scale)
        let agreeing = try restorer().restored(lr, height: height, width: width, options: settings)
        #expect(try lrConsistency(agreeing, lr: lr) >= 45)
        settings.consistency = false
        let free = try restorer().restored(lr, height: height, width: width, options: settings)
        #expect(try lrConsistency(free, lr: lr) < 35)
    }

    @Test func eachRoundComesCloser() throws {
        let lr = try picture(width: 16, height: 16).tensor()
        let start = try noise([1, 3, 64, 64], seed: 4, std: 0.3)
        let values = try (0...3).map {
            try (SR3Restorer.consistent(start, with: lr, rounds: $0).resized(height: 16, width: 16) - lr)
                .squared().mean().item()
        }
        #expect(values == values.sorted(by: >))
        #expect(values[3] < values[0] * 1e-3)
    }

    @Test func agreeingPictureStaysAsItIs() throws {
        let hr = try picture(width: 32, height: 24).tensor()
        let lr = try hr.resized(height: 6, width: 8)
        #expect(try distance(SR3Restorer.consistent(hr, with: lr), hr) < 1e-4)
    }

    @Test(arguments: [4, 3, 16]) func meanColourIsKept(scale: Double) throws {
        let lr = try picture(width: 16, height: 12).tensor()
        let (height, width) = (Int(12 * scale), Int(16 * scale))
        var settings = try options(scale: scale)
        let output = try restorer().restored(lr, height: height, width: width, options: settings)
        #expect(try colorShift(output, lr).maximum < 0.5)
        settings.consistency = false
        let free = try restorer().restored(lr, height: height, width: width, options: settings)
        #expect(try colorShift(free, lr).maximum > 2)
    }
}

@Suite("SR3: kinds of pictures")
struct PictureKindTests {
    @Test(arguments: [1, 2, 3, 4], [8, 16]) func channelsDepthAndMetadataAreKept(channels: Int, bitDepth: Int)
        throws
    {
        let metadata = ImageMetadata(pngTexts: [PNGText(keyword: "Title", text: "waves")])
        let lr = try picture(width: 6, height: 5, channels: channels, bitDepth: bitDepth, metadata: metadata)
        let output = try SR3Restorer(TestModels.random()).restored(lr, options: options())
        #expect(output.channels == channels)
        #expect(output.bitDepth == bitDepth)
        #expect(output.metadata == metadata)
        #expect(output.width == 24)
        #expect(output.height == 20)
    }

    @Test func grayIsTheMeanOfTheThreeChannels() throws {
        let gray = try picture(width: 6, height: 5, channels: 1)
        let restorer = try SR3Restorer(
            TestModels.random(TestModels.configuration(target: .residual(scale: 0.5))))
        let settings = try options()
        let output = try restorer.restored(gray, options: settings)
        let colour = try restorer.restored(gray.rgb(), options: settings)
        #expect(colour.channels == 3)
        let means = stride(from: 0, to: colour.samples.count, by: 3).map { index in
            Double(colour.samples[index..<index + 3].reduce(0, +)) / 3
        }
        for (sample, mean) in zip(output.samples, means) { #expect(abs(Double(sample) - mean) <= 1) }
    }

    @Test(arguments: [2, 4]) func alphaIsEnlargedAndTheColourIgnoresIt(channels: Int) throws {
        let lr = try picture(width: 7, height: 5, channels: channels)
        let restorer = try SR3Restorer(TestModels.random())
        let output = try restorer.restored(lr, options: options(scale: 3))
        let alpha = try #require(try output.alpha())
        #expect(try alpha == output.takingAlpha(from: lr).alpha())
        let bicubic = try #require(try lr.alpha()).resized(width: 21, height: 15)
        #expect(zip(alpha.samples, bicubic.samples).allSatisfy { abs(Int($0) - Int($1)) < 30 })
        let opaque = try restorer.restored(lr.droppingAlpha(), options: options(scale: 3))
        #expect(try output.droppingAlpha().samples == opaque.samples)
    }

    @Test(arguments: [(1, 1), (1, 40), (40, 1), (3, 2)]) func smallSidesArePadded(width: Int, height: Int)
        throws
    {
        // Eight pixels a side is what this network's picture is padded to.
        let configuration = SR3Configuration(
            scale: 2, target: .residual(scale: 0.13), parameterization: .velocity, schedule: "cosine:100",
            network: UNetConfiguration(baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 4))
        let output = try SR3Restorer(TestModels.random(configuration))
            .restored(picture(width: width, height: height), options: options(scale: 2))
        #expect(output.width == 2 * width)
        #expect(output.height == 2 * height)
    }

    /// Cut into tiles, whatever the sampler, the scale and the number of samples.
    @Test(arguments: [Sampler.ddim(eta: 0), .ddpm(variance: 1), .dpmSolver], [4, 6.5])
    func tilesGiveThePictureOfTheWhole(sampler: Sampler, scale: Double) throws {
        let restorer = try SR3Restorer(TestModels.random())
        let lr = try picture(width: 40, height: 33)
        for (samples, consistency) in [(1, true), (2, true), (1, false)] {
            var settings = try options(scale: scale, steps: 3, sampler: sampler)
            settings.samples = samples
            settings.consistency = consistency
            let whole = try restorer.restored(lr, options: settings)
            settings.tiling.side = 64
            #expect(try restorer.plans(height: 33, width: 40, options: settings).allSatisfy { !$0.isWhole })
            let tiled = try restorer.restored(lr, options: settings)
            // The network's input, two blocks and output see 6 pixels around them: tiles are exact.
            let largest = zip(whole.samples, tiled.samples).map { abs(Int($0) - Int($1)) }.max() ?? .max
            #expect(largest <= 1)
        }
    }

    /// A picture that must be padded is padded alike in every pose, as a whole and in its last tiles.
    @Test func tilesInAnotherPoseFallIntoTheSamePatches() throws {
        let restorer = try SR3Restorer(TestModels.random(TestModels.configuration(scale: 3, patchSize: 4)))
        let lr = try picture(width: 97, height: 81)
        for sample in [1, 2, 7] {
            var settings = try options(scale: 3)
            settings.firstSample = sample
            let whole = try restorer.restored(lr, options: settings)
            settings.tiling.side = 64
            // Six convolutions see 24 pixels around them, tiles 64, and none sees the whole picture.
            #expect(distance(whole, try restorer.restored(lr, options: settings)) <= 1)
        }
    }

    @Test func aBudgetThatIsTooSmallIsRefused() throws {
        let restorer = try SR3Restorer(TestModels.random())
        var settings = try options()
        settings.tiling.memory = 1000
        #expect(throws: MemoryError.self) {
            try restorer.restored(picture(width: 20, height: 20), options: settings)
        }
    }

    /// The weights that ship look further than a tile's margin, but hardly: a level of 255 at most.
    @Test func tilesOfTheShippedModelAgreeWithTheWhole() throws {
        let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
                "Sources/SR3/Models")
        let restorer = try SR3Restorer(
            SR3Model.load(models.appendingPathComponent("sr3-x4.safetensors").path))
        let lr = try picture(width: 80, height: 72)
        var settings = try SR3Restorer.Options(
            defaults: restorer.model.configuration.sampling, scale: 4)
        for sample in [0, 1, 6] {
            settings.firstSample = sample
            settings.tiling.side = nil
            let whole = try restorer.restored(lr, options: settings)
            settings.tiling.side = 128
            let tiled = try restorer.restored(lr, options: settings)
            let differences = zip(whole.samples, tiled.samples).map { abs(Int($0) - Int($1)) }
            #expect((differences.max() ?? .max) <= 8)
            #expect(Double(differences.filter { $0 > 1 }.count) < 0.001 * Double(differences.count))
        }
    }
}
