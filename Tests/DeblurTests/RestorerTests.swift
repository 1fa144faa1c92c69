import Diffusion
import ImageFiles
import ImageTensors
import Tensors
import Testing

@testable import Deblur

struct RestorerTests {
    private static let levels = [4.4e-5, 0.3, 0.8, 1]

    private func options(
        samples: Int = 1, seed: UInt64 = 0, uncertainty: Bool = false,
        sampleDone: ((Int, Tensor) throws -> Void)? = nil
    ) -> DeblurRestorer.Options {
        .init(
            sampling: .init(sampler: .ddim(eta: 0), levels: Self.levels), samples: samples, seed: seed,
            tracksUncertainty: uncertainty, sampleDone: sampleDone)
    }

    private func restorer(seed: UInt64 = 7) throws -> DeblurRestorer {
        try DeblurRestorer(TestModels.random(seed: seed, strength: 0.5))
    }

    @Test(arguments: [(1, 1), (1, 7), (3, 517), (517, 3), (2, 2), (33, 65), (64, 48)])
    func anySizeComesBackAtItsSize(width: Int, height: Int) throws {
        let picture = try TestModels.picture(height: height, width: width)
        let restorer = try restorer()
        #expect(try restorer.predicted(picture).shape == [1, 3, height, width])
        let output = try restorer.restored(picture, options: options(samples: 2, uncertainty: true))
        #expect(output.mean.shape == [1, 3, height, width])
        #expect(output.standardDeviation?.shape == [1, 3, height, width])
        #expect(try output.mean.isFinite())
        #expect(try output.mean.magnitude().max().item() <= 1)
    }

    @Test func theSameSeedGivesTheSamePicture() throws {
        let picture = try TestModels.picture(height: 20, width: 31)
        let restorer = try restorer()
        let first = try restorer.restored(picture, options: options(samples: 2, seed: 5)).mean.bytes()
        #expect(try restorer.restored(picture, options: options(samples: 2, seed: 5)).mean.bytes() == first)
        #expect(try restorer.restored(picture, options: options(samples: 2, seed: 6)).mean.bytes() != first)
    }

    /// Samples are computed together where the picture is small; each must be what it is alone, around the prediction in its pose.
    @Test(arguments: [1, 3, 10]) func samplesAreThoseDrawnAloneAroundPredictionsInPoses(count: Int) throws {
        let restorer = try restorer()
        let picture = try TestModels.picture(height: 18, width: 23)
        #expect(restorer.batchSize(pixels: 18 * 23) > 3 && restorer.batchSize(pixels: 1280 * 720) == 1)
        var together: [Int: Tensor] = [:]
        var looks: [[Int]] = []
        var settings = options(samples: count) { index, sample in
            #expect(together[index] == nil)
            together[index] = sample
        }
        settings.progress = { looks.append([$0, $1]) }
        _ = try restorer.restored(picture, options: settings)
        #expect(together.keys.sorted() == Array(0..<count))
        #expect(looks.allSatisfy { $0[1] == min(count, 4) + count * (Self.levels.count - 1) })
        #expect(looks.map { $0[0] } == looks.map { $0[0] }.sorted() && looks.last?[0] == looks.last?[1])
        for index in 0..<count {
            let pose = [0, 4, 2, 6][index % 4]
            let alone = try restorer.model.networks.refined(
                blurred: picture,
                prediction: noGrad {
                    try restorer.model.networks.prediction(of: picture.posed(pose)).unposed(pose)
                },
                sampling: .init(sampler: .ddim(eta: 0), levels: Self.levels),
                noise: {
                    try NoiseField(seed: 0, sample: index).tensor(
                        step: $0, channels: 3, height: 18, width: 23)
                }
            )
            #expect(try largestDifference(#require(together[index]), alone) < 1e-4)
            if index > 0 {
                #expect(try largestDifference(#require(together[0]), alone) > 1e-2, "samples must differ")
            }
        }
    }

    @Test func aSelfEnsembleIsTheMeanOfPredictionsInPoses() throws {
        let restorer = try restorer()
        let picture = try TestModels.picture(height: 18, width: 23)
        let single = try restorer.predicted(picture)
        #expect(try restorer.predicted(picture, settings: .init(selfEnsemble: 1)).floats() == single.floats())
        for count in [2, 5, 8] {
            var sum = try Tensor.zeros(picture.shape)
            for pose in Tensor.poses.prefix(count) {
                sum = try noGrad {
                    try sum + restorer.model.networks.prediction(of: picture.posed(pose)).unposed(pose)
                }
            }
            let mean = try (sum / Double(count)).clamped(-1, 1)
            let made = try restorer.predicted(picture, settings: .init(selfEnsemble: count))
            #expect(try largestDifference(made, mean) < 1e-5)
            #expect(try largestDifference(made, single) > 1e-3)
            var looks: [[Int]] = []
            var settings = options(samples: 2)
            settings.prediction.selfEnsemble = count
            settings.progress = { looks.append([$0, $1]) }
            let refined = try restorer.restored(picture, options: settings).mean
            settings.prediction.selfEnsemble = 1
            let other = try restorer.restored(picture, first: .init(mean), options: settings).mean
            #expect(try largestDifference(refined, other) < 1e-5)
            let total = count + 2 * (Self.levels.count - 1)
            #expect(looks.first { $0[1] == total }?[0] == 0 && looks.contains([total, total]))
        }
    }

    @Test func meanAndDeviationAreThoseOfTheSamples() throws {
        let restorer = try restorer()
        let picture = try TestModels.picture(height: 9, width: 14)
        var samples: [Tensor] = []
        let output = try restorer.restored(
            picture, options: options(samples: 5, uncertainty: true) { samples.append($1) })
        let values = try samples.map { try $0.floats() }
        let mean = try output.mean.floats()
        let deviation = try #require(output.standardDeviation).floats()
        for pixel in mean.indices {
            let all = values.map { Double($0[pixel]) }
            let expected = all.reduce(0, +) / 5
            let variance = all.reduce(0) { $0 + ($1 - expected) * ($1 - expected) } / 4
            #expect(abs(Double(mean[pixel]) - expected) < 1e-5)
            #expect(abs(Double(deviation[pixel]) - variance.squareRoot()) < 1e-4)
        }
    }

    @Test(arguments: [1, 2, 3, 4], [8, 16])
    func channelsDepthAlphaAndMetadataAreKept(channels: Int, bitDepth: Int) throws {
        let top = bitDepth == 8 ? 255 : 65535
        let samples = (0..<(12 * 9 * channels)).map { UInt16(($0 * 7919) % top) }
        let image = try Image(
            width: 12, height: 9, channels: channels, bitDepth: bitDepth, samples: samples,
            metadata: ImageMetadata(pngTexts: [PNGText(keyword: "Title", text: "t")]))
        let restorer = try restorer()
        for made in [
            try restorer.predicted(image), try restorer.restored(image, options: options()).image,
        ] {
            #expect(made.width == 12 && made.height == 9)
            #expect(made.channels == channels && made.bitDepth == bitDepth)
            #expect(made.metadata == image.metadata)
            #expect(try made.alpha()?.samples == image.alpha()?.samples)
        }
    }

    @Test func progressCountsEveryStepOnce() throws {
        var seen: [Int] = []
        var totals: Set<Int> = []
        var options = options(samples: 4)
        options.progress = { done, total in
            seen.append(done)
            totals.insert(total)
        }
        _ = try restorer().restored(TestModels.picture(height: 8, width: 8), options: options)
        #expect(totals == [4 + 4 * 3])
        #expect(seen == seen.sorted() && seen.last == 16)
    }

    @Test func cancellationStopsTheWork() throws {
        var options = options(samples: 100)
        var asked = 0
        options.isCancelled = {
            asked += 1
            return asked > 3
        }
        let restorer = try restorer()
        #expect(throws: CancellationError.self) {
            try restorer.restored(TestModels.picture(height: 8, width: 8), options: options)
        }
    }

    /// Cut into tiles, with samples and their deviation.
    @Test func tilesGiveThePictureOfTheWhole() throws {
        let restorer = try restorer()
        let picture = try TestModels.picture(height: 210, width: 170)
        var settings = options(samples: 2, uncertainty: true)
        let whole = try restorer.restored(picture, options: settings)
        settings.tiling.side = 64
        var told: [Int] = []
        settings.progress = { done, total in
            told.append(done)
            #expect(total == (2 + 2 * 3) * 12)
        }
        let tiled = try restorer.restored(picture, options: settings)
        #expect(told == told.sorted() && told.last == (2 + 2 * 3) * 12)
        #expect(try largestDifference(tiled.mean, whole.mean) < 1.0 / 255)
        let deviations = try [tiled, whole].map { try #require($0.standardDeviation) }
        #expect(try largestDifference(deviations[0], deviations[1]) < 1.0 / 255)
        let predicted = try restorer.predicted(picture, tiling: .init(side: 64))
        #expect(try largestDifference(predicted, restorer.predicted(picture)) < 1.0 / 255)
    }
}
