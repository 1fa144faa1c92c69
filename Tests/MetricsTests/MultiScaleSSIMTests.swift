import Foundation
import Metrics
import Tensors
import Testing

@Suite("MS-SSIM, and SSIM over RGB")
struct MultiScaleSSIMTests {
    @Test func equalPicturesScoreOne() throws {
        let x = try TestData.synthetic(height: 161, width: 170, seed: 1)
        #expect(abs(try MultiScaleSSIM()(x, x) - 1) < 1e-12)
        #expect(abs(try MultiScaleSSIM(.rgb)(x, x) - 1) < 1e-12)
        #expect(abs(try SSIM(.rgb, border: 3)(x, x) - 1) < 1e-12)
    }

    /// Without variance only the luminance of the last scale is left.
    @Test func flatPicturesHaveAClosedForm() throws {
        let (a, b, c1) = (100.0, 140.0, 2.55 * 2.55)
        let luminance = (2 * a * b + c1) / (a * a + b * b + c1)
        let pictures = try [a, b].map { try Tensor.full([1, 1, 176, 161], $0 / 127.5 - 1) }
        let found = try MultiScaleSSIM(.luma, roundsTo8Bits: false)(pictures[0], pictures[1])
        #expect(abs(found - pow(luminance, 0.1333)) < 1e-6)
    }

    /// A negative picture has negative structure: a power of it would be no number.
    @Test func negativeStructureCountsAsNone() throws {
        let x = try TestData.synthetic(height: 161, width: 161, channels: 1, seed: 2)
        #expect(try MultiScaleSSIM()(x, -x) == 0)
    }

    @Test func smallPicturesAreRefused() throws {
        let x = try Tensor.zeros([1, 3, 161, 200])
        #expect(abs(try MultiScaleSSIM()(x, x) - 1) < 1e-12)
        #expect { try MultiScaleSSIM(border: 1)(x, x) } throws: { "\($0)".contains("161×161 pixels") }
    }

    @Test func rgbIsTheMeanOfTheChannels() throws {
        let pictures = try [1, 2].map { try TestData.synthetic(height: 30, width: 31, seed: $0) }
        let channels = try (0..<3).map { channel in
            try SSIM(.rgb)(
                pictures[0].narrowed(1, start: channel, count: 1),
                pictures[1].narrowed(1, start: channel, count: 1))
        }
        #expect(abs(try SSIM(.rgb)(pictures[0], pictures[1]) - channels.reduce(0, +) / 3) < 1e-12)
    }

    @Test func roundingIsAnOption() throws {
        let a = try Tensor.full([1, 3, 20, 20], 100.3 / 127.5 - 1)
        let b = try Tensor.full([1, 3, 20, 20], 99.8 / 127.5 - 1)
        #expect(try PSNR(.rgb)(a, b) == .infinity)
        let exact = try PSNR(.rgb, roundsTo8Bits: false)(a, b)
        #expect(abs(exact - 20 * log10(255 / 0.5)) < 1e-3)
        // Levels 100 and 101: Y 101.88 and 102.74, which round to 102 and 103.
        let c = try Tensor.full([1, 3, 20, 20], 101 / 127.5 - 1)
        #expect(abs(try PSNR(.luma, roundsLuma: true)(a, c) - 20 * log10(255)) < 1e-9)
        #expect(try PSNR(.luma)(a, c) > 20 * log10(255))
        #expect(try SSIM(.luma, roundsTo8Bits: false)(a, b) < 1)
    }

    @Test(
        .enabled(if: ReferenceValues.isPossible, ReferenceValues.reason),
        arguments: ["test/set5/hr/img_001.png", "test/bsd100/hr/img_001.png"])
    func equalsNumPy(path: String) throws {
        let (original, bicubic) = try ReferenceValues.pair(path)
        let wanted = try ReferenceValues.values(
            of: "picture_metrics.py",
            [("a", ReferenceValues.levels(bicubic)), ("b", ReferenceValues.levels(original))],
            trailing: ["pixels"])
        let metrics: [any SampleMetric] = [
            PSNR(roundsLuma: true), SSIM(roundsLuma: true), SSIM(.rgb), MultiScaleSSIM(roundsLuma: true),
            MultiScaleSSIM(.rgb),
        ]
        try #require(wanted.count == metrics.count)
        for (metric, wanted) in zip(metrics, wanted) {
            let found = try metric(bicubic, original)
            print("\(path): \(type(of: metric)) \(found), NumPy \(wanted)")
            #expect(ReferenceValues.agrees(found, wanted))
        }
    }
}
