import Diffusion
import Tensors
import Testing

struct SampleStatisticsTests {
    @Test func meanAndDeviationAreThoseOfTheClosedForm() throws {
        var statistics = SampleStatistics(tracksVariance: true)
        for values: [Float] in [[1, -3], [4, -3], [10, -3]] { try statistics.add(Tensor(values)) }
        #expect(statistics.count == 3)
        let mean = try #require(try statistics.mean?.floats())
        #expect(abs(mean[0] - 5) < 1e-6 && mean[1] == -3)
        let deviation = try #require(try statistics.standardDeviation()?.floats())
        #expect(abs(deviation[0] - Float(21).squareRoot()) < 1e-5, "((16 + 1 + 25)/2)½")
        #expect(deviation[1] == 0)
    }

    /// The samples of a Gaussian: the deviation of their mean falls as 1/√N.
    @Test func theMeanOfManyNormalsHasTheVarianceItShould() throws {
        for count in [1, 4, 16, 64] {
            var statistics = SampleStatistics(tracksVariance: true)
            for sample in 0..<count {
                try statistics.add(
                    NoiseField(seed: 5, sample: sample).tensor(step: 0, channels: 4, height: 64, width: 64))
            }
            let variance = try #require(statistics.mean).squared().mean().item()
            let expected = 1 / Double(count)
            #expect(abs(variance / expected - 1) < 0.06, "\(count) samples: \(variance)")
            if count > 1 {
                let inner = try #require(try statistics.standardDeviation()).squared().mean().item()
                #expect(abs(inner - 1) < 0.06, "\(count) samples: \(inner)")
            }
        }
    }

    @Test func oneSampleIsItsOwnMeanWithoutDeviation() throws {
        var statistics = SampleStatistics(tracksVariance: true)
        #expect(statistics.mean == nil)
        #expect(try statistics.standardDeviation() == nil)
        try statistics.add(Tensor([7, 8]))
        #expect(try statistics.mean?.floats() == [7, 8])
        #expect(try statistics.standardDeviation()?.floats() == [0, 0])
        var plain = SampleStatistics()
        try plain.add(Tensor([1]))
        try plain.add(Tensor([2]))
        #expect(try plain.standardDeviation() == nil, "it was not asked to track it")
    }

    /// A large offset must not drown the differences, as a sum of squares would.
    @Test func aLargeMeanDoesNotSpoilTheVariance() throws {
        var statistics = SampleStatistics(tracksVariance: true)
        for value: Float in [10_000, 10_001, 10_002] { try statistics.add(Tensor([value])) }
        #expect(try statistics.standardDeviation()?.item() == 1)
    }

    /// The mean is streamed: a sample is let go as soon as the next one is added.
    @Test func samplesAreNotKept() throws {
        struct Weak { weak var tensor: Tensor? }
        var statistics = SampleStatistics(tracksVariance: true)
        var seen: [Weak] = []
        for value in 0..<6 {
            let sample = try Tensor.full([4], Double(value))
            seen.append(Weak(tensor: sample))
            try statistics.add(sample)
        }
        try statistics.add(Tensor.full([4], 6))
        #expect(seen.allSatisfy { $0.tensor == nil })
        #expect(try statistics.mean?.floats() == [3, 3, 3, 3])
    }

    /// Neither the caller's sample nor a mean that was handed out may change under its owner's hands.
    @Test func whatWasHandedOutStaysAsItWas() throws {
        var statistics = SampleStatistics()
        let first = try Tensor([1, 2, 3, 4], shape: [1, 1, 2, 2])
        try statistics.add(first)
        let early = try #require(statistics.mean)
        try statistics.add(Tensor([3, 4, 5, 6], shape: [1, 1, 2, 2]))
        #expect(try first.floats() == [1, 2, 3, 4])
        #expect(try early.floats() == [1, 2, 3, 4])
        #expect(try statistics.mean?.floats() == [2, 3, 4, 5])
    }
}
