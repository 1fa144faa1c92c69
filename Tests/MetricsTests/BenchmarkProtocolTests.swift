import ImageTensors
import Metrics
import Tensors
import Testing

/// What plain bicubic ×4 is known to score: the whole protocol, from files to decibel.
@Suite("Benchmark protocol")
struct BenchmarkProtocolTests {
    struct Published: CustomTestStringConvertible {
        let name: String
        let psnr: Double
        let ssim: Double
        var testDescription: String { name }
    }

    @Test(
        .enabled(if: TestData.exists("test"), "there is no folder of test data (RESTORE_DATA)"),
        arguments: [
            Published(name: "set5", psnr: 28.42, ssim: 0.8104),
            Published(name: "set14", psnr: 26.00, ssim: 0.7027),
            Published(name: "bsd100", psnr: 25.96, ssim: 0.6675),
        ])
    func bicubicScoresAsPublished(published: Published) throws {
        let pairs = try TestData.pairs(published.name)
        var (psnr, ssim, consistency) = (0.0, 0.0, 0.0)
        for (_, hr, lr) in pairs {
            let output = try lr.resized(height: hr.shape[2], width: hr.shape[3]).quantized()
            psnr += try PSNR(.luma, border: 4)(output, hr) / Double(pairs.count)
            ssim += try SSIM(border: 4)(output, hr) / Double(pairs.count)
            consistency += try lrConsistency(output, lr: lr) / Double(pairs.count)
        }
        print("\(published.name): bicubic ×4 PSNR \(psnr) dB, SSIM \(ssim), consistency \(consistency) dB")
        #expect(abs(psnr - published.psnr) < 0.02)
        #expect(abs(ssim - published.ssim) < 0.001)
    }

    /// The sets' low-resolution pictures were made by an older MATLAB, which rounds after the
    /// first axis and repeats edge pixels: away from edges all agree within that rounding.
    @Test(
        .enabled(if: TestData.exists("test"), "there is no folder of test data (RESTORE_DATA)"),
        arguments: ["set5", "set14"])
    func downscalingIsThatOfMATLAB(set: String) throws {
        for (name, hr, lr) in try TestData.pairs(set) {
            let (height, width) = (lr.shape[2], lr.shape[3])
            let made = try hr.resized(height: height, width: width).quantized()
            let levelsApart = try (made - lr).magnitude() * 127.5
            let inner = try levelsApart.narrowed(2, start: 3, count: height - 6)
                .narrowed(3, start: 3, count: width - 6)
            #expect(try levelsApart.mean().item() < 0.25, "\(name)")
            #expect(try inner.mean().item() < 0.12, "\(name)")
            #expect(try lrConsistency(hr, lr: lr) > 49, "\(name)")
        }
    }
}
