import Foundation
import ImageTensors
import Tensors
import Testing

@testable import Degradation

struct SecondOrderDegradationTests {
    private static func round(
        blur: Double = 0, noise: Double = 0, gray: Double = 0, jpeg: Double = 0,
        resize: DrawRange = .init(1, 1)
    ) -> SecondOrderDegradation.Round {
        .init(
            blurShare: blur, blurSigma: .init(1, 1), resize: resize, noiseShare: noise,
            noise: .init(0.05, 0.05), grayNoiseShare: gray, jpegShare: jpeg, jpegQuality: .init(20, 20))
    }

    private static func picture(_ count: Int = 1) throws -> Tensor {
        try
            (NoiseField(seed: 5).tensor(step: 0, channels: 3 * count, height: 48, width: 64)
            .reshaped([count, 3, 48, 64]) * 0.1).clamped(-1, 1)
    }

    private static func degraded(
        _ hr: Tensor, _ settings: SecondOrderDegradation, seed: UInt64 = 1, height: Int = 12, width: Int = 16
    ) throws -> Tensor {
        var random = CounterStream(seed: seed)
        return try SecondOrderDegradation.degraded(
            hr, height: height, width: width, draws: settings.draws(hr.shape[0], using: &random))
    }

    @Test func plainPicturesAreOnlyMadeSmall() throws {
        let settings = SecondOrderDegradation(
            rounds: [Self.round(blur: 1, noise: 1, jpeg: 1), Self.round(jpeg: 1)], plainShare: 1)
        let hr = try Self.picture(5)
        let small = try Self.degraded(hr, settings)
        #expect(try small.bytes() == hr.resized(height: 12, width: 16).quantized().bytes())
    }

    @Test func sizesAreWhatWasAskedFor() throws {
        let settings = SecondOrderDegradation(
            rounds: [
                Self.round(blur: 0.5, noise: 0.5, jpeg: 0.5, resize: .init(0.3, 1)),
                Self.round(blur: 0.5, noise: 0.5, jpeg: 0.5, resize: .init(0.5, 1.5)),
            ], plainShare: 0.2)
        let hr = try Self.picture(9)
        let lr = try Self.degraded(hr, settings)
        #expect(lr.shape == [9, 3, 12, 16])
        #expect(try lr.min().item() >= -1 && lr.max().item() <= 1)
        let levels = try lr.floats().map { ($0 + 1) * 127.5 }
        #expect(levels.allSatisfy { abs($0 - $0.rounded()) < 1e-3 })
        #expect(try Self.degraded(hr, settings).bytes() == lr.bytes())
        #expect(try Self.degraded(hr, settings, seed: 2).bytes() != lr.bytes())
    }

    /// A picture's noise is its own, whatever its neighbours in the batch.
    @Test func partsOfABatchAreWhatTheyAreInTheWhole() throws {
        let settings = SecondOrderDegradation(
            rounds: [Self.round(noise: 0.7, gray: 0.5, resize: .init(0.5, 1))], plainShare: 0)
        let hr = try Self.picture(6)
        var random = CounterStream(seed: 3)
        let draws = settings.draws(6, using: &random)
        let whole = try SecondOrderDegradation.degraded(hr, height: 12, width: 16, draws: draws)
        let part = try SecondOrderDegradation.degraded(
            hr.narrowed(0, start: 2, count: 3), height: 12, width: 16, draws: Array(draws[2..<5]))
        #expect(try part.bytes() == whole.narrowed(0, start: 2, count: 3).contiguous().bytes())
    }

    /// Few groups in a large batch, many sizes in a small one; pictures differ in all else.
    @Test(arguments: [(3, 1), (16, 4), (32, 8), (128, 8), (100, 9)])
    func neighboursShareTheirSizes(count: Int, groups: Int) throws {
        let settings = SecondOrderDegradation(rounds: [Self.round(resize: .init(0.5, 1))], plainShare: 0.5)
        var random = CounterStream(seed: 7)
        let draws = settings.draws(count, using: &random)
        let changes = zip(draws, draws.dropFirst()).count { $0.sizes != $1.sizes }
        #expect(draws.count == count && changes + 1 == groups)
        #expect(Set(draws.map(\.seed)).count == count)
    }

    @Test func noiseHasItsDeviationAndColour() throws {
        let flat = try Tensor.full([1, 3, 96, 96], 0)
        for isGray in [false, true] {
            let settings = SecondOrderDegradation(
                rounds: [Self.round(noise: 1, gray: isGray ? 1 : 0)], plainShare: 0)
            // At full size, so that nothing averages it.
            let noisy = try Self.degraded(flat, settings, height: 96, width: 96)
            let deviation = try noisy.squared().mean().item().squareRoot()
            #expect(abs(deviation - 0.1) < 0.004)
            let (red, blue) = (
                try noisy.narrowed(1, start: 0, count: 1), try noisy.narrowed(1, start: 2, count: 1)
            )
            let correlation = try (red * blue).mean().item() / (deviation * deviation)
            #expect(isGray ? correlation > 0.99 : abs(correlation) < 0.06)
        }
    }

    @Test func jpegLeavesItsBlocks() throws {
        let hr = try Self.picture()
        let clean = SecondOrderDegradation(rounds: [Self.round()], plainShare: 0)
        let compressed = SecondOrderDegradation(rounds: [Self.round(jpeg: 1)], plainShare: 0)
        let (a, b) = (
            try Self.degraded(hr, clean, height: 48, width: 64),
            try Self.degraded(hr, compressed, height: 48, width: 64)
        )
        #expect(try a.bytes() == hr.quantized().bytes())
        // Noise is what a coarse quantiser takes away first.
        #expect(try b.squared().mean().item() < 0.5 * a.squared().mean().item())
    }

    @Test func settingsOutOfRangeAreNamed() {
        func message(_ change: (inout SecondOrderDegradation) -> Void) -> String {
            var settings = SecondOrderDegradation(rounds: [Self.round()], plainShare: 0)
            change(&settings)
            do { try settings.validate() } catch { return "\(error)" }
            return ""
        }
        #expect(message { _ in } == "")
        #expect(message { $0.rounds = [] } == "rounds must be 1 or 2")
        #expect(message { $0.plainShare = 1.1 } == "plainShare must be 0 to 1")
        #expect(
            message { $0.rounds[0].noise = .init(0, 0.6) }
                == "rounds.0.noise must be [low, high] from 0.0 to 0.5")
        #expect(message { $0.rounds[0].resize = .init(0, 1) }.hasPrefix("rounds.0.resize must be"))
        #expect(
            message { $0.rounds[0].jpegQuality = .init(90, 80) }.hasPrefix("rounds.0.jpegQuality must be"))
        #expect(message { $0.rounds[0].blurShare = -0.1 } == "rounds.0.blurShare must be 0 to 1")
    }
}
