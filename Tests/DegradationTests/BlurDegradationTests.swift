import Foundation
import ImageFiles
import ImageTensors
import Tensors
import Testing

@testable import Degradation

struct BlurDegradationTests {
    private static func noise(_ shape: [Int], seed: UInt64 = 9) throws -> Tensor {
        try NoiseField(seed: seed).tensor(
            step: 0, channels: shape[0] * shape[1], height: shape[2], width: shape[3]
        ).reshaped(shape)
    }

    private static func draw(
        _ kernel: BlurKernel = .identity, read: Double = 0, shot: Double = 0, jpeg: Int? = nil
    )
        -> BlurDegradation.Draw
    {
        .init(kind: .none, kernel: kernel, readNoise: read, shotNoise: shot, jpegQuality: jpeg)
    }

    // MARK: blur

    @Test func theFourierTransformConvolves() throws {
        let kernels = [BlurKernel.linear(length: 5, angle: 0.6), .arc(length: 6, angle: 2, turn: 2)]
        let margin = 5
        let light = try (Self.noise([2, 3, 20, 17]) * 0.2 + 0.5).clamped(0, 1)
        let result = try BlurDegradation.blurred(light, margin: margin, kernels: kernels)
        #expect(result.shape == [2, 3, 10, 7])
        let (input, output) = (try light.floats(), try result.floats())
        for picture in 0..<2 {
            let kernel = kernels[picture]
            let radius = kernel.side / 2
            for channel in 0..<3 {
                for y in 0..<10 {
                    for x in 0..<7 {
                        var sum: Float = 0
                        for dy in -radius...radius {
                            for dx in -radius...radius {
                                let row = y + margin - dy
                                let column = x + margin - dx
                                sum +=
                                    kernel.values[(dy + radius) * kernel.side + dx + radius]
                                    * input[((picture * 3 + channel) * 20 + row) * 17 + column]
                            }
                        }
                        #expect(abs(output[((picture * 3 + channel) * 10 + y) * 7 + x] - sum) < 1e-5)
                    }
                }
            }
        }
    }

    @Test func withoutBlurTheMiddleRemains() throws {
        let light = try Self.noise([1, 3, 12, 10])
        let result = try BlurDegradation.blurred(light, margin: 3, kernels: [.identity])
        let middle = try light.narrowed(2, start: 3, count: 6).narrowed(3, start: 3, count: 4)
        #expect(try (result - middle).magnitude().max().item() < 1e-5)
    }

    @Test(arguments: BlurKernelTests.cases.indices.filter { $0 % 5 == 0 })
    func aPointStaysWhereItWas(index: Int) throws {
        let kernel = BlurKernelTests.cases[index].kernel
        let margin = kernel.side / 2
        let side = 95 + 2 * margin
        var values = [Float](repeating: 0, count: side * side)
        values[(margin + 47) * side + margin + 40] = 1
        let result = try BlurDegradation.blurred(
            Tensor(values, shape: [1, 1, side, side]), margin: margin, kernels: [kernel])
        var sums = (0.0, 0.0, 0.0)
        for (place, value) in try result.floats().enumerated() {
            sums = (
                sums.0 + Double(value), sums.1 + Double(value) * Double(place % 95),
                sums.2 + Double(value) * Double(place / 95)
            )
        }
        #expect(abs(sums.0 - 1) < 1e-3)
        #expect(abs(sums.1 / sums.0 - 40) < 0.02 && abs(sums.2 / sums.0 - 47) < 0.02)
    }

    /// Half of the light of white is 0.735 in sRGB; averaging the encoded values would give 0.5.
    @Test func lightIsAddedNotValues() throws {
        let side = 41
        let stripes = (0..<side * side).map { Float($0 % side % 2 == 0 ? -1 : 1) }
        let picture = try Tensor(stripes, shape: [1, 1, side, side]).expanded([1, 3, side, side])
        let noise = try Self.noise([1, 3, 5, 5])
        let result = try BlurDegradation.degraded(
            picture, margin: 18, draws: [Self.draw(.linear(length: 30, angle: 0))], noise: noise)
        let mean = try (result * 0.5 + 0.5).mean().item()
        #expect(abs(mean - 0.735) < 0.02, "\(mean)")
    }

    @Test func kernelsThatDoNotFitAreRefused() throws {
        let light = try Self.noise([1, 3, 12, 12])
        for (margin, kernels) in [
            (2, [BlurKernel.defocus(radius: 5)]), (6, [.identity]), (1, []), (1, [.identity, .identity]),
        ] {
            #expect(throws: TensorError.self) {
                try BlurDegradation.blurred(light, margin: margin, kernels: kernels)
            }
        }
    }

    // MARK: noise and files

    @Test func nothingLeavesTheFileAsItWas() throws {
        let picture = try (Self.noise([1, 3, 14, 14]) * 0.4).quantized()
        let result = try BlurDegradation.degraded(
            picture, margin: 2, draws: [Self.draw()], noise: Self.noise([1, 3, 10, 10]))
        let middle = try picture.narrowed(2, start: 2, count: 10).narrowed(3, start: 2, count: 10)
        #expect(try (result - middle).magnitude().max().item() < 1e-5)
    }

    @Test func noiseIsAsStrongAsAsked() throws {
        let noise = try Self.noise([1, 3, 200, 200])
        func deviation(_ level: Double, _ draw: BlurDegradation.Draw) throws -> Double {
            let flat = try Tensor.full([1, 3, 200, 200], level * 2 - 1)
            let result = try (BlurDegradation.finished(flat, draws: [draw], noise: noise) - flat) / 2
            return try result.squared().mean().item().squareRoot()
        }
        #expect(abs(try deviation(0.5, Self.draw(read: 0.02)) / 0.02 - 1) < 0.03)
        #expect(abs(try deviation(0.2, Self.draw(read: 0.02)) / 0.02 - 1) < 0.03)
        // Shot noise: the variance is proportional to the value.
        let (dark, bright) = (
            try deviation(0.2, Self.draw(shot: 0.002)), try deviation(0.8, Self.draw(shot: 0.002))
        )
        #expect(abs(dark - (0.2 * 0.002).squareRoot()) < 0.001)
        #expect(abs(bright / dark - 2) < 0.1)
    }

    @Test func onlyPicturesThatWentThroughJPEGAreChangedByIt() throws {
        let picture = try (Self.noise([2, 3, 32, 32]) * 0.3).quantized()
        let result = try BlurDegradation.finished(
            picture, draws: [Self.draw(), Self.draw(jpeg: 50)], noise: Self.noise([2, 3, 32, 32]))
        let differences = try (result - picture).squared().mean([1, 2, 3]).floats()
        #expect(differences[0] < 1e-9 && differences[1] > 1e-3)
    }

    /// The mean of a white and a black field: half the light, or half the value.
    @Test func storedValuesAreSummedWhereTheDrawSaysSo() throws {
        let margin = 2
        let stripes = (0..<12).map { $0.isMultiple(of: 2) ? Float(1) : -1 }
        let sharp = try Tensor(
            [stripes, stripes].flatMap { row in (0..<36).flatMap { _ in row } }, shape: [2, 3, 12, 12])
        let pair = BlurKernel(points: [(0, 0, 1), (1, 0, 1)])
        var light = Self.draw()
        light.kernel = pair
        var stored = light
        stored.blursStoredValues = true
        let result = try BlurDegradation.exposed(sharp, margin: margin, draws: [light, stored])
        let means = try result.mean([1, 2, 3]).floats()
        #expect(result.shape == [2, 3, 8, 8])
        #expect(abs(means[0] - (0.735357 * 2 - 1)) < 1e-4)  // sRGB of half the light: 187.5 of 255
        #expect(abs(means[1]) < 1e-5)
        let spread = try (result - result.mean([1, 2, 3]).perSample()).squared().mean([1, 2, 3]).floats()
        #expect(spread.allSatisfy { $0 < 1e-8 })
    }

    @Test func aShareOfStoredValuesLeavesTheOtherDrawsAsTheyWere() {
        var without = Self.settings
        without.storedValuesShare = nil
        var (one, other) = (CounterStream(seed: 6), CounterStream(seed: 6))
        for _ in 0..<50 {
            var draw = Self.settings.draw(using: &one)
            draw.blursStoredValues = false
            #expect(draw == without.draw(using: &other))
        }
    }

    /// A white line of a pixel's width on black, in two equal parts: half of what was three times white is more than white, half of white is
    /// not. A gray line is no highlight, and the sharp picture's own white stays what it is.
    @Test func highlightsAreClippedAfterTheBlur() throws {
        let margin = 2
        func lines(_ value: Float) throws -> Tensor {
            let row = (0..<12).map { $0 == 6 ? value : Float(-1) }
            return try Tensor((0..<36).flatMap { _ in row }, shape: [1, 3, 12, 12])
        }
        var plain = Self.draw()
        plain.kernel = BlurKernel(points: [(0, 0, 1), (1, 0, 1)])
        var bright = plain
        bright.highlight = 3
        func largest(_ value: Float, _ draw: BlurDegradation.Draw) throws -> Double {
            try BlurDegradation.exposed(lines(value), margin: margin, draws: [draw]).max().item()
        }
        #expect(try abs(largest(1, plain) - (0.735357 * 2 - 1)) < 1e-4)
        #expect(try abs(largest(1, bright) - 1) < 1e-5)
        #expect(try abs(largest(0.85, bright) - largest(0.85, plain)) < 1e-5)
        // In a batch each has its own.
        let both = try BlurDegradation.exposed(
            Tensor.concatenated([lines(1), lines(1)], dim: 0), margin: margin, draws: [plain, bright])
        #expect(try abs(both.narrowed(0, start: 0, count: 1).max().item() - largest(1, plain)) < 1e-5)
    }

    @Test func highlightsAreDrawnBesideAllElse() {
        var settings = Self.settings
        (settings.highlightShare, settings.highlights) = (0.4, .init(2, 5))
        var (one, other) = (CounterStream(seed: 8), CounterStream(seed: 8))
        var count = 0
        for _ in 0..<1000 {
            var draw = settings.draw(using: &one)
            #expect(draw.highlight == 1 || (!draw.blursStoredValues && (2...5).contains(draw.highlight)))
            if draw.highlight > 1 { count += 1 }
            draw.highlight = 1
            #expect(draw == Self.settings.draw(using: &other))
        }
        #expect(abs(Double(count) / 1000 - 0.4 * 0.7) < 0.05)
    }

    // MARK: drawing

    static let settings = BlurDegradation(
        shares: [.shake: 4, .linear: 2, .rotation: 1, .defocus: 1, .gaussian: 1, .none: 1],
        extent: .init(3, 25),
        defocusRadius: .init(1, 4), gaussianSigma: .init(0.5, 2), readNoise: .init(0.001, 0.01),
        shotNoise: .init(0, 0.001), noiselessShare: 0.25, jpegShare: 0.5, jpegQuality: .init(60, 90),
        storedValuesShare: 0.3)

    @Test func drawsFollowTheSettings() throws {
        var random = CounterStream(seed: 4)
        let count = 3000
        let draws = (0..<count).map { _ in Self.settings.draw(using: &random) }
        func share(_ condition: (BlurDegradation.Draw) -> Bool) -> Double {
            Double(draws.count(where: condition)) / Double(count)
        }
        for (kind, expected) in Self.settings.shares {
            #expect(abs(share { $0.kind == kind } - expected / 10) < 0.03, "\(kind)")
        }
        #expect(abs(share { $0.readNoise == 0 && $0.shotNoise == 0 } - 0.25) < 0.03)
        #expect(abs(share { $0.jpegQuality != nil } - 0.5) < 0.03)
        #expect(abs(share(\.blursStoredValues) - 0.3) < 0.03)
        for draw in draws {
            #expect(draw.kernel.side / 2 <= Self.settings.margin)
            #expect(draw.readNoise == 0 || (0.001...0.01).contains(draw.readNoise))
            #expect((0...0.001).contains(draw.shotNoise))
            if let quality = draw.jpegQuality { #expect((60...90).contains(quality)) }
            if draw.kind == .none { #expect(draw.kernel == .identity) }
        }
    }

    @Test func theSameStreamDrawsTheSame() {
        func draws(_ seed: UInt64) -> [BlurDegradation.Draw] {
            var random = CounterStream(seed: seed)
            return (0..<20).map { _ in Self.settings.draw(using: &random) }
        }
        #expect(draws(1) == draws(1))
        #expect(draws(1) != draws(2))
    }

    @Test func blursCanBeMadeLongerAndTheRestStays() {
        var settings = Self.settings
        settings.sceneExtent = .init(2, 6)
        let scaled = settings.scaled(by: 1.5)
        #expect(scaled.extent.low == settings.extent.low * 1.5)
        #expect(scaled.extent.high == settings.extent.high * 1.5)
        #expect(scaled.sceneExtent == .init(3, 9))
        #expect(scaled.defocusRadius.high == settings.defocusRadius.high * 1.5)
        #expect(scaled.gaussianSigma.high == settings.gaussianSigma.high * 1.5)
        var same = scaled
        (same.extent, same.sceneExtent) = (settings.extent, settings.sceneExtent)
        (same.defocusRadius, same.gaussianSigma) = (settings.defocusRadius, settings.gaussianSigma)
        #expect(same == settings && scaled != settings)
        // Nothing beyond what a recipe may say.
        let longest = settings.scaled(by: 30)
        #expect(longest.extent.high == BlurDegradation.longestPath && longest.sceneExtent?.high == 41)
        #expect(longest.defocusRadius.high == 20 && longest.gaussianSigma.high == 10)
        #expect(throws: Never.self) { try longest.validate() }
    }

    @Test func settingsOutOfRangeAreNamed() {
        func expect(_ name: String, _ change: (inout BlurDegradation) -> Void) {
            var settings = Self.settings
            change(&settings)
            let error = #expect(throws: DegradationError.self) { try settings.validate() }
            #expect(error?.description.contains(name) == true)
        }
        expect("extent") { $0.extent = .init(3, 42) }
        expect("extent") { $0.extent = .init(9, 3) }
        expect("defocusRadius") { $0.defocusRadius = .init(-1, 3) }
        expect("gaussianSigma") { $0.gaussianSigma = .init(0, 11) }
        expect("readNoise") { $0.readNoise = .init(0, .nan) }
        expect("shotNoise") { $0.shotNoise = .init(0, 1) }
        expect("jpegQuality") { $0.jpegQuality = .init(0, 90) }
        expect("jpegShare") { $0.jpegShare = 1.5 }
        expect("storedValuesShare") { $0.storedValuesShare = 1.1 }
        expect("highlights") { $0.highlights = .init(0.9, 3) }
        expect("highlights") { $0.highlights = .init(2, 101) }
        expect("highlightShare") { ($0.highlights, $0.highlightShare) = (.init(2, 3), -0.1) }
        expect("highlightShare") { $0.highlightShare = 0.5 }
        expect("noiselessShare") { $0.noiselessShare = -0.1 }
        expect("shares") { $0.shares = [:] }
        expect("shares") { $0.shares = [.shake: 1, .linear: -1] }
        #expect(throws: Never.self) { try Self.settings.validate() }
    }

    @Test func settingsAreWrittenAsRecipesHaveThem() throws {
        let text = String(decoding: try JSONEncoder().encode(Self.settings), as: UTF8.self)
        #expect(text.contains("\"extent\":[3,25]") && text.contains("\"shake\":4"))
        #expect(try JSONDecoder().decode(BlurDegradation.self, from: Data(text.utf8)) == Self.settings)
    }
}
