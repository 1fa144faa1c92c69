import Foundation
import Tensors
import Testing

@testable import Diffusion

struct UNetTests {
    private static let configurations: [UNetConfiguration] = [
        .init(baseWidth: 16, multipliers: [1, 2, 3], blocks: 1),
        .init(
            baseWidth: 8, multipliers: [1, 2], blocks: 2, attentionLevels: [0, 1], norm: .group,
            levelConditioning: .affine, patchSize: 2, residualResampling: true),
        .init(
            baseWidth: 8, multipliers: [1, 2], blocks: 1, norm: .group, patchSize: 1,
            skipConnections: .concatenated, resampling: .strided, middleAttention: .once, headWidth: 0,
            groups: 4,
            normEpsilon: 1e-6, levelEncoding: .timestep(schedule: "linear:1e-4:0.02:1000", frequencyShift: 1)),
    ]

    @Test(arguments: configurations)
    func anUntrainedNetworkPredictsZero(_ configuration: UNetConfiguration) throws {
        let network = try UNet(configuration, seed: 5)
        let noisy = try randomTensor([2, 3, 18, 13], dtype: .float32)
        let prediction = try network(noisy, condition: noisy, signalLevel: Tensor([0.1, 0.9]))
        #expect(prediction.shape == noisy.shape)
        #expect(try doubles(prediction).allSatisfy { $0 == 0 })
        // Yet it learns: its last convolution has a gradient.
        try prediction.meanSquaredError(to: noisy).backward()
        let last = try #require(network.parameters.first { $0.name == "output.weight" }?.value.grad)
        #expect(try doubles(last).contains { $0 != 0 })
    }

    /// The same numbers on one thread and on two: a picture is not to depend on the machine's size.
    @Test(arguments: configurations)
    func initialWeightsAndSamplesRepeatOnAnyNumberOfThreads(_ configuration: UNetConfiguration) throws {
        let before = Device.threads
        defer { try? Device.setThreads(before) }
        let levels = try NoiseSchedule(parsing: "linear:1e-6:1e-2:2000").samplingLevels(3)
        let condition = try randomTensor([1, 3, 45, 70], dtype: .float32)

        func run(threads: Int, prepared: Bool, seed: UInt64 = 9) throws -> (
            weights: [[UInt8]], picture: [UInt8]
        ) {
            try Device.setThreads(threads)
            let weights = try UNet(configuration, seed: seed).parameters.map { try $0.value.bytes() }
            let network = try UNetReferenceTests.network(configuration)
            if prepared { try network.prepareForInference() }
            let field = NoiseField(seed: seed)
            // As restorers sample.
            let picture = try noGrad {
                try ddimSample(
                    { noisy, gamma in
                        try network(noisy, condition: condition, signalLevel: Tensor([Float(gamma)]))
                    }, levels: levels, eta: 0.5,
                    context: SamplingContext(
                        parameterization: .velocity,
                        noise: { try field.tensor(step: $0, channels: 3, height: 45, width: 70) },
                        limit: .symmetric(1)))
            }
            return (weights, try picture.bytes())
        }
        // Unprepared, libtorch's 1×1 convolution of 24 to 8 channels at 46×70 has other last bits on two threads
        // than on one, which the skips of the published layout meet. Restorers prepare their networks.
        let isPublished = configuration.resampling == .strided
        for prepared in isPublished ? [true] : [false, true] {
            let one = try run(threads: 1, prepared: prepared)
            for threads in [1, 2] {
                let again = try run(threads: threads, prepared: prepared)
                #expect(again.weights == one.weights, "\(threads) threads")
                #expect(again.picture == one.picture, "\(threads) threads, prepared: \(prepared)")
            }
            let other = try run(threads: 1, prepared: prepared, seed: 10)
            #expect(other.weights != one.weights)
            #expect(other.picture != one.picture)
        }
    }

    /// A picture of the network's multiple needs no padding, and padding changes nothing there.
    @Test func anySizeIsTaken() throws {
        let network = try UNetReferenceTests.network(Self.configurations[0])
        for size in [[1, 1], [1, 40], [16, 16], [17, 31]] {
            let noisy = try randomTensor([1, 3] + size, dtype: .float32)
            let prediction = try noGrad { try network(noisy, condition: noisy, signalLevel: Tensor([0.4])) }
            #expect(prediction.shape == noisy.shape)
            #expect(try prediction.isFinite())
        }
    }

    @Test func wrongInputsThrow() throws {
        let network = try UNet(Self.configurations[0])
        let noisy = try randomTensor([1, 3, 16, 16], dtype: .float32)
        let level = try Tensor([0.5])
        let flat = try #require(throws: TensorError.self) {
            try network(Tensor.zeros([3, 16, 16]), condition: nil, signalLevel: level)
        }
        #expect(flat.description.contains("N×C×H×W"))
        #expect(throws: TensorError.self) { try network(noisy, condition: nil, signalLevel: level) }
        #expect(throws: TensorError.self) {
            try network(noisy, condition: Tensor.zeros([1, 3, 16, 17]), signalLevel: level)
        }
        #expect(throws: TensorError.self) {
            try network(noisy, condition: noisy, signalLevel: Tensor([0.1, 0.2, 0.3]))
        }
    }

    /// Levels that a schedule's neighbours have are told apart, at both ends.
    @Test func theEmbeddingTellsLevelsApart() throws {
        let embedding = try LevelEmbedding(.logSNR, base: 16, Initializer(seed: 1))
        func vector(_ gamma: Double) throws -> [Double] { try doubles(embedding(Tensor([Float(gamma)]))) }
        for (a, b) in [(0.9999, 0.9995), (0.5, 0.505), (0.001, 0.00102), (4.4e-5, 4.6e-5)] {
            let distance = zip(try vector(a), try vector(b)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                .squareRoot()
            #expect(distance > 1e-3, "\(a) and \(b)")
        }
        for gamma in [0, 1] { #expect(try vector(Double(gamma)).allSatisfy(\.isFinite)) }
    }

    @Test func configurationsAreCheckedAndStored() throws {
        for configuration in Self.configurations {
            let data = try JSONEncoder().encode(configuration)
            #expect(try JSONDecoder().decode(UNetConfiguration.self, from: data) == configuration)
        }
        #expect(
            try JSONDecoder().decode(UNetConfiguration.self, from: Data("{}".utf8)) == UNetConfiguration())
        #expect(UNetConfiguration(multipliers: [1, 2, 3], patchSize: 4).multiple == 16)
        let wrong: [(String, (inout UNetConfiguration) -> Void)] = [
            ("imageChannels", { $0.imageChannels = 0 }), ("conditionChannels", { $0.conditionChannels = -1 }),
            ("baseWidth", { $0.baseWidth = 6 }), ("baseWidth", { $0.baseWidth = 0 }),
            ("multipliers", { $0.multipliers = [] }), ("multiplier", { $0.multipliers = [1, 0] }),
            ("blocks", { $0.blocks = 0 }), ("attentionLevels", { $0.attentionLevels = [3] }),
            ("dropout", { $0.dropout = 1 }), ("dropout", { $0.dropout = .nan }),
            ("patchSize", { $0.patchSize = 3 }), ("headWidth", { $0.headWidth = -1 }),
            ("groups", { $0.groups = -1 }), ("normEpsilon", { $0.normEpsilon = 0 }),
            ("frequencyShift", { $0.levelEncoding = .timestep(schedule: "cosine:9", frequencyShift: 2) }),
            (
                "groups",
                {
                    $0.norm = .group
                    $0.groups = 7
                }
            ),
            (
                "residualResampling",
                {
                    $0.resampling = .strided
                    $0.residualResampling = true
                }
            ),
        ]
        for (name, change) in wrong {
            var configuration = UNetConfiguration()
            change(&configuration)
            let error = try #require(throws: NetworkError.self) { try UNet(configuration) }
            #expect(error.description.contains(name))
        }
    }

    /// What the level adds must survive the normalisation that follows, in narrow networks too.
    @Test(arguments: [4, 8, 16, 32, 64, 96, 128, 1024, 12, 20])
    func groupsHoldSeveralChannels(channels: Int) {
        let groups = UNetConfiguration.groups(channels)
        #expect(channels % groups == 0 && (1...32).contains(groups) && channels / groups >= 4)
    }

    @Test(
        arguments: [UNetConfiguration.Norm.none, .group], [UNetConfiguration.LevelConditioning.bias, .affine])
    func theLevelMatters(_ norm: UNetConfiguration.Norm, _ conditioning: UNetConfiguration.LevelConditioning)
        throws
    {
        let network = try UNetReferenceTests.network(
            .init(baseWidth: 8, multipliers: [1, 2], blocks: 1, norm: norm, levelConditioning: conditioning))
        let noisy = try randomTensor([1, 3, 16, 16], dtype: .float32)
        let (low, high) = try noGrad {
            try (
                network(noisy, condition: noisy, signalLevel: Tensor([0.1])),
                network(noisy, condition: noisy, signalLevel: Tensor([0.9]))
            )
        }
        #expect(try relativeDifference(low, high) > 0.05)
    }

    /// One level may stand for all pictures of a batch.
    @Test func oneLevelServesABatch() throws {
        let network = try UNetReferenceTests.network(Self.configurations[0])
        let noisy = try randomTensor([3, 3, 16, 16], dtype: .float32)
        let (one, three) = try noGrad {
            try (
                network(noisy, condition: noisy, signalLevel: Tensor([0.3])),
                network(noisy, condition: noisy, signalLevel: Tensor([0.3, 0.3, 0.3]))
            )
        }
        #expect(try relativeDifference(one, three) < 1e-6)
    }

    @Test func dropoutActsInTrainingOnly() throws {
        var configuration = Self.configurations[0]
        configuration.dropout = 0.3
        let network = try UNetReferenceTests.network(configuration)
        let noisy = try randomTensor([1, 3, 16, 16], dtype: .float32)
        func predict() throws -> [Double] {
            try doubles(noGrad { try network(noisy, condition: noisy, signalLevel: Tensor([0.4])) })
        }
        let quiet = try predict()
        #expect(try predict() == quiet)
        network.setTraining(true)
        #expect(try predict() != quiet)
        network.setTraining(false)
        #expect(try predict() == quiet)
    }
}
