import Deblur
import Degradation
import Diffusion
import Foundation
import ImageTensors
import Logging
import Tensors
import Testing

@testable import Training

/// Training of the network that improves estimates of the blur.
@Suite final class KernelTrainingTests {
    let folder: TestFolder
    private let photos: [String]

    init() throws {
        let folder = try TestFolder()
        self.folder = folder
        photos = try (0..<3).map { index in
            let path = try folder.file("photos/photo\(index).png")
            try RenderedPictures.picture(index, side: 200).write(to: path)
            return path
        }
    }

    private static let shape = UNetConfiguration(
        baseWidth: 8, multipliers: [1, 2], blocks: 1, norm: .group, levelConditioning: .none, patchSize: 1)

    private static var degradation: BlurDegradation {
        var degradation = BlurDegradation(
            shares: [.shake: 1, .gaussian: 0.5, .scene: 0.2], extent: .init(3, 9))
        degradation.gaussianSigma = .init(0.5, 1)
        degradation.sceneExtent = .init(2, 6)
        return degradation
    }

    private func networks(seed: UInt64 = 3) throws -> PredictAndRefine {
        let picture = UNetConfiguration(
            imageChannels: 6, conditionChannels: 0, baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 2
        )
        var denoiser = picture
        (denoiser.imageChannels, denoiser.conditionChannels) = (3, 3)
        return try PredictAndRefine(
            DeblurConfiguration(
                predictor: picture, denoiser: denoiser, residualScale: 0.1,
                deconvolution: Deconvolution(kernelSide: 9, network: Self.shape)), seed: seed)
    }

    private func lessons(
        _ networks: PredictAndRefine, search: KernelNetwork? = nil, cache: String? = nil, seed: UInt64 = 4
    ) throws -> KernelLessons {
        try KernelLessons(
            7, of: #require(networks.configuration.deconvolution), side: #require(networks.kernels).side,
            search: search, degradation: Self.degradation,
            photos: PhotoCollection(paths: photos, minimum: 64), seed: seed,
            cache: cache)
    }

    private func batch(_ lessons: KernelLessons, count: Int = 16, seed: UInt64 = 1) throws -> (
        clues: Tensor, kernels: Tensor
    ) {
        var random = CounterStream(seed: seed)
        return try lessons.batch(BatchShard(count, index: 0, of: 1), using: &random, device: .cpu)
    }

    @Test func lessonsAreTheSameOnAnyNumberOfThreads() throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        let networks = try self.networks()
        let made = try [1, 2].map { count in
            try Device.setThreads(count)
            return try batch(lessons(networks))
        }
        #expect(try made[0].clues.bytes() == made[1].clues.bytes())
        #expect(try made[0].kernels.bytes() == made[1].kernels.bytes())
        #expect(made[0].clues.shape == [16, 7, 25, 25] && made[0].kernels.shape == [16, 1, 25, 25])
    }

    /// Kernels have their sum and their centroid, guesses are turned with them, and ranks share a batch.
    @Test func aLessonIsAKernelAndWhatIsSeenOfIt() throws {
        let lessons = try self.lessons(networks())
        #expect(lessons.count > 6)
        let (clues, kernels) = try batch(lessons, count: 64)
        let places = try Tensor((0..<25).map { Float($0 - 12) })
        for dims in [[1, 2], [1, 3]] {
            let moments = try kernels.sum(dims) * places
            #expect(try moments.sum([1]).magnitude().max().item() < 1e-3)
        }
        #expect(try (kernels.sum([1, 2, 3]) - 1).magnitude().max().item() < 1e-3)
        let misfit = try KernelMisfit(side: 25, device: .cpu)
        let guesses = try clues.narrowed(1, start: 0, count: 1) / 20
        let right = try misfit(guesses, truth: kernels).log().mean().item()
        // Those of other pictures, or in another pose.
        let others = try misfit(guesses.rolled([1], dims: [0]), truth: kernels).log().mean().item()
        let turned = try misfit(guesses.flipped([2]), truth: kernels).log().mean().item()
        print("guesses \(right), of others \(others), turned \(turned)")
        #expect(right < others - 0.1 && right < turned - 0.1)
        var parts: [Tensor] = []
        for index in 0..<2 {
            var random = CounterStream(seed: 1)
            parts.append(
                try lessons.batch(BatchShard(64, index: index, of: 2), using: &random, device: .cpu).clues)
        }
        #expect(try Tensor.concatenated(parts, dim: 0).bytes() == clues.bytes())
        let poses = try (0..<12).map { try batch(lessons, count: 1, seed: $0).kernels.bytes() }
        #expect(Set(poses).count > 6)
    }

    @Test func lessonsAreKeptForTheNextRun() throws {
        let (networks, cache) = (try self.networks(), "\(folder.path)/cache")
        let first = try batch(lessons(networks, cache: cache))
        let files = try FileManager.default.contentsOfDirectory(atPath: cache)
        #expect(files.count == 1)
        let path = "\(cache)/\(try #require(files.first))"
        let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        let again = try batch(lessons(networks, cache: cache))
        #expect(try again.clues.bytes() == first.clues.bytes())
        #expect(try again.kernels.bytes() == first.kernels.bytes())
        #expect(
            try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date == date)
        _ = try lessons(networks, cache: cache, seed: 5)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 2)
        // A damaged file is made again.
        try Data("nothing".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try batch(lessons(networks, cache: cache)).clues.bytes() == first.clues.bytes())
        // What cannot be kept is no reason to fail.
        try folder.write("", to: "taken")
        #expect(
            try batch(lessons(networks, cache: "\(folder.path)/taken")).clues.bytes() == first.clues.bytes())
    }

    /// A network that has learnt something changes what is seen after it was asked, and lessons made with it are kept apart.
    @Test func aNetworkCanTakePartInTheSearch() throws {
        let (networks, cache) = (try self.networks(), "\(folder.path)/cache")
        let other = try #require(self.networks(seed: 5).kernels)
        try disturb(other)
        let alone = try lessons(networks, cache: cache)
        let led = try lessons(networks, search: other, cache: cache)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 2)
        // Two looks at each of two scales, and with a network two in each of two passes that begin anew.
        #expect(alone.count == 7 * 4 && led.count == 7 * 8)
        // So many that each lesson is among them, all in one pose.
        let many = (try batch(alone, count: 1500), try batch(led, count: 1500))
        func each(_ tensor: Tensor) throws -> Set<[Float]> {
            Set(
                try (0..<tensor.shape[0]).map {
                    try tensor.narrowed(0, start: $0, count: 1).contiguous().floats()
                })
        }
        // The same photographs and kernels, and what is seen before a network has said anything.
        #expect(try each(many.0.kernels) == each(many.1.kernels))
        let (seen, seenThen) = (try each(many.0.clues), try each(many.1.clues))
        #expect(seen.count == alone.count && seenThen.count == led.count)
        #expect(seen.intersection(seenThen).count == 7)
        let again = try batch(lessons(networks, search: other, cache: cache), count: 1500)
        #expect(try again.clues.bytes() == many.1.clues.bytes())
        try disturb(other)
        _ = try lessons(networks, search: other, cache: cache)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 3)
    }

    private func disturb(_ network: KernelNetwork) throws {
        try noGrad {
            for (index, parameter) in network.parameters.enumerated() {
                let shape = parameter.value.shape
                let noise = try NoiseField(seed: 2, sample: index)
                    .tensor(step: 0, channels: 1, height: 1, width: shape.reduce(1, *)).reshaped(shape)
                try parameter.value.copy(from: parameter.value + noise * 0.2)
            }
        }
    }

    @Test func whatHasNoKernelTeachesNothing() throws {
        let networks = try self.networks()
        var degradation = Self.degradation
        degradation.shares = [.scene: 1]
        #expect(throws: DataError.self) {
            try KernelLessons(
                3, of: #require(networks.configuration.deconvolution), side: #require(networks.kernels).side,
                degradation: degradation, photos: PhotoCollection(paths: self.photos, minimum: 64), seed: 1)
        }
    }

    /// Further lessons are of large photographs alone, in which kernels are looked for at more scales and are longer.
    @Test func largePhotographsHaveLessonsOfTheirOwn() throws {
        let networks = try self.networks()
        let deconvolution = try #require(networks.configuration.deconvolution)
        let large = try folder.file("photos/large.png")
        try RenderedPictures.picture(5, side: 960).write(to: large)
        var degradation = Self.degradation
        degradation.shares = [.linear: 1]
        degradation.extent = .init(4, 5)
        func made(_ count: Int, large: Int, of paths: [String]) throws -> KernelLessons {
            try KernelLessons(
                count, large: large, of: deconvolution, side: #require(networks.kernels).side,
                degradation: degradation, photos: PhotoCollection(paths: paths, minimum: 64), seed: 4,
                cache: "\(folder.path)/large")
        }
        func lengths(_ lessons: KernelLessons) throws -> [Int] {
            let kernels = try batch(lessons, count: 500).kernels.contiguous().floats()
            let side = 25
            return stride(from: 0, to: kernels.count, by: side * side).map { first in
                let held = (0..<side * side).filter { kernels[first + $0] > 0 }
                func length(_ places: [Int]) -> Int { (places.max() ?? 0) - (places.min() ?? 0) + 1 }
                return max(length(held.map { $0 / side }), length(held.map { $0 % side }))
            }
        }
        let few = try made(2, large: 0, of: photos)
        let both = try made(2, large: 2, of: photos + [large])
        // Two looks at each of two scales.
        #expect(few.count == 2 * 4 && both.count == 4 * 4)
        // A path of 5 has at most 7 pixels, one of 41 more than a dozen where a large picture is seen at half its size.
        #expect(try (lengths(few).max() ?? 0) <= 7)
        #expect(try (lengths(both).max() ?? 0) > 12)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/large").count == 2)
        #expect {
            try made(1, large: 1, of: photos)
        } throws: {
            "\($0)" == "data.largeKernelEstimates: no picture has 900 pixels a side"
        }
    }

    // MARK: runs

    private func text(_ changes: [String: String] = [:]) throws -> String {
        let all = [
            "shares": "{ shake: 1 }", "noiselessShare": "1", "jpegShare": "0", "baseWidth": "8",
            "storedValuesShare": "0",
        ]
        return try deblurText(all.merging(changes) { $1 }, deconvolves: true)
            .replacing(
                "{ kernelSide: 9, regularization: 0.01 }",
                with: """
                    { kernelSide: 9, regularization: 0.01, network: { baseWidth: 8, multipliers: [1, 2], \
                    blocks: 1, norm: group, levelConditioning: none, patchSize: 1 } }
                    """
            )
            .replacing("objective:\n", with: "objective:\n  learns: kernels\n")
            .replacing("method: muon", with: "method: adamw")
    }

    private func trainer(_ text: String, output: String, resume: Bool = false) throws -> Trainer {
        Trainer(
            recipe: try Recipe(yaml: text, path: "tiny.yaml"), recipeText: text,
            options: .init(
                data: ["\(folder.path)/photos"], output: "\(folder.path)/\(output)", manifests: [],
                device: .cpu, resume: resume),
            logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The loss of lessons falls, and nothing but the network for kernels is changed.
    @Test func aRunTeachesKernelsAndLeavesTheRest() throws {
        let text = try self.text(["learningRate": "3.0e-3", "warmupSteps": "5", "emaDecay": "0.9"])
            .replacing("  steps: 8", with: "  steps: 60")
        guard case .deblur(let model, _) = try Recipe(yaml: text, path: "r.yaml").task else { return }
        #expect(try model.deconvolution == networks().configuration.deconvolution)
        let begun = try PredictAndRefine(model, seed: 1)
        var losses: [Double] = []
        #expect(
            try trainer(text, output: "run").run(report: { losses.append($0.loss) }, isCancelled: { false }))
        let trained = try DeblurModel.load("\(folder.path)/run/deblur.safetensors").networks
        let before = Dictionary(uniqueKeysWithValues: begun.parameters.map { ($0.name, $0.value) })
        for (name, value) in trained.parameters {
            let old = try #require(before[name]).detach().to(.float16).to(.float32)
            let difference = try (value - old).magnitude().max().item()
            if PredictAndRefine.isOfKernels(name) {
                if !name.contains("bias") { #expect(difference > 0, "\(name)") }
            } else {
                #expect(difference == 0, "\(name)")
            }
        }
        // What it learnt of these lessons counts on them.
        let lessons = try self.lessons(begun)
        let (clues, truth) = try batch(lessons, count: 64)
        let misfit = try KernelMisfit(side: 25, device: .cpu)
        let kernels = try [#require(begun.kernels), #require(trained.kernels)]
        let measured = try noGrad { try kernels.map { try misfit.loss($0(clues), truth: truth).item() } }
        let (old, new) = (measured[0], measured[1])
        print("loss of kernels \(old) before, \(new) after; of the run's lessons \(losses.last ?? .nan)")
        #expect(new < old - 0.05)
        #expect(try curve("run").contains("psnr_prediction"))
    }

    private func curve(_ output: String) throws -> String {
        try String(contentsOfFile: "\(folder.path)/\(output)/validation.csv", encoding: .utf8)
    }

    @Test func aResumedRunIsTheSameRun() throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let text = try self.text()
        #expect(try trainer(text, output: "one").run(report: { _ in }, isCancelled: { false }))
        var count = 0
        #expect(
            try !trainer(text, output: "two").run(report: { _ in count += 1 }, isCancelled: { count == 3 }))
        #expect(
            try trainer(text, output: "two", resume: true).run(report: { _ in }, isCancelled: { false }))
        let (one, two) = try (tensors("one"), tensors("two"))
        #expect(Set(one.keys) == Set(two.keys) && one.keys.contains { $0.hasSuffix(".exp_avg") })
        for name in one.keys.sorted() {
            let isSame = one[name] == two[name]
            #expect(isSame, "\(name)")
        }
    }

    private func tensors(_ output: String) throws -> [String: [UInt8]] {
        let file = try SafetensorsFile(path: "\(folder.path)/\(output)/checkpoint.safetensors")
        return try Dictionary(
            uniqueKeysWithValues: file.names.map { ($0, try #require(try file.tensor($0)).bytes()) })
    }

    /// A model without such a network is given one, which leaves its estimates as they were.
    @Test func aModelWithoutItIsContinued() throws {
        let networks = try self.networks()
        var plain = networks.configuration
        plain.deconvolution?.network = nil
        let path = "\(folder.path)/plain.safetensors"
        let old = try PredictAndRefine(plain, seed: 5)
        try DeblurModel.save(old.parameters, configuration: plain, metadata: [:], to: path, dtype: .float32)
        try StartingPoint(path).load(into: networks)
        let kept = Dictionary(uniqueKeysWithValues: networks.parameters.map { ($0.name, $0.value) })
        for (name, value) in old.parameters {
            #expect(try #require(kept[name]).bytes() == value.bytes(), "\(name)")
        }
        let fresh = try self.networks()
        for (name, value) in try #require(fresh.kernels).parameters {
            #expect(try #require(kept["kernels.\(name)"]).bytes() == value.bytes(), "\(name)")
        }
    }

    /// Saves a model whose network for kernels is disturbed.
    private func searchModel(_ configuration: DeblurConfiguration, seed: UInt64) throws -> String {
        let networks = try PredictAndRefine(configuration, seed: seed)
        if let kernels = networks.kernels { try disturb(kernels) }
        let path = "\(folder.path)/search.safetensors"
        try DeblurModel.save(
            networks.parameters, configuration: configuration, metadata: [:], to: path, dtype: .float32)
        return path
    }

    @Test func aRunNeedsTheModelThatItsLessonsWereMadeWith() throws {
        let configuration = try networks().configuration
        let path = try searchModel(configuration, seed: 1)
        let text = try self.text().replacing("data:\n", with: "data:\n  searchModel: \(path)\n")
        var count = 0
        #expect(
            try !trainer(text, output: "run").run(report: { _ in count += 1 }, isCancelled: { count == 3 }))
        // The very weights are meant, not the name.
        _ = try searchModel(configuration, seed: 2)
        #expect {
            try trainer(text, output: "run", resume: true).run(report: { _ in }, isCancelled: { false })
        } throws: {
            "\($0)".contains("run' was begun with a data.searchModel of other weights")
        }
        _ = try searchModel(configuration, seed: 1)
        #expect(
            try trainer(text, output: "run", resume: true).run(report: { _ in }, isCancelled: { false }))

        var other = configuration
        other.deconvolution?.kernelSide = 11
        _ = try searchModel(other, seed: 1)
        #expect { try trainer(text, output: "other").plan() } throws: {
            "\($0)".contains("looks for kernels of another side")
        }
        other.deconvolution?.network = nil
        _ = try searchModel(other, seed: 1)
        #expect { try trainer(text, output: "other").plan() } throws: {
            "\($0)" == "data.searchModel: '\(path)' has no network for kernels"
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/other"))
        let pictures = text.replacing("  learns: kernels\n", with: "")
        #expect { try Recipe(yaml: pictures, path: "r.yaml") } throws: {
            "\($0)".contains("data.searchModel goes with objective.learns kernels")
        }
        let large = try self.text().replacing("  learns: kernels\n", with: "")
            .replacing("data:\n", with: "data:\n  largeKernelEstimates: 3\n")
        #expect { try Recipe(yaml: large, path: "r.yaml") } throws: {
            "\($0)".contains("data.largeKernelEstimates goes with objective.learns kernels")
        }
        let light = try self.text().replacing("data:\n", with: "data:\n  lightShare: 0.5\n")
        #expect { try Recipe(yaml: light, path: "r.yaml") } throws: {
            "\($0)".contains("data.lightShare goes with model.deconvolution, and not with")
        }
    }

    @Test func kernelsCannotLearnWithoutANetwork() throws {
        let text = try deblurText(deconvolves: true)
            .replacing("objective:\n", with: "objective:\n  learns: kernels\n")
        #expect {
            try Recipe(yaml: text, path: "r.yaml")
        } throws: {
            "\($0)".contains(
                "objective.learns can be kernels only with model.deconvolution.network, which is what learns then"
            )
        }
        let odd = try deblurText().replacing("objective:\n", with: "objective:\n  learns: all\n")
        #expect { try Recipe(yaml: odd, path: "r.yaml") } throws: { "\($0)".contains("pictures or kernels") }
    }
}
