import Foundation
import Metrics
import Tensors
import Testing

@Suite("SSIM")
struct SSIMTests {
    @Test func equalPicturesScoreOne() throws {
        let x = try TestData.synthetic(height: 40, width: 50, seed: 1)
        #expect(abs(try SSIM()(x, x) - 1) < 1e-12)
        #expect(abs(try SSIM(border: 4)(x, x) - 1) < 1e-12)
    }

    /// Without variance only the luminance term is left.
    @Test func flatPicturesHaveAClosedForm() throws {
        let (a, b) = (100.0, 140.0)
        let c1 = 2.55 * 2.55
        let expected = (2 * a * b + c1) / (a * a + b * b + c1)
        let pictures = try [100.0, 140.0].map { try Tensor.full([1, 1, 16, 16], $0 / 127.5 - 1) }
        #expect(abs(try SSIM()(pictures[0], pictures[1]) - expected) < 1e-12)
    }

    @Test func equalsTheDefinition() throws {
        let (height, width) = (19, 23)
        let pictures = try [1, 2].map { try TestData.synthetic(height: height, width: width, seed: $0) }
        let x = try luma(pictures[0]).floats().map(Double.init)
        let y = try luma(pictures[1]).floats().map(Double.init)
        var weights: [(dy: Int, dx: Int, weight: Double)] = []
        for dy in 0..<11 {
            for dx in 0..<11 {
                let squared = Double((dy - 5) * (dy - 5) + (dx - 5) * (dx - 5))
                weights.append((dy, dx, exp(-squared / (2 * 1.5 * 1.5))))
            }
        }
        let total = weights.map(\.weight).reduce(0, +)
        let (c1, c2) = (2.55 * 2.55, 7.65 * 7.65)
        var sum = 0.0
        for top in 0...(height - 11) {
            for left in 0...(width - 11) {
                func mean(_ value: (Int) -> Double) -> Double {
                    weights.reduce(0) { $0 + $1.weight / total * value((top + $1.dy) * width + left + $1.dx) }
                }
                let (meanX, meanY) = (mean { x[$0] }, mean { y[$0] })
                let varianceX = mean { (x[$0] - meanX) * (x[$0] - meanX) }
                let varianceY = mean { (y[$0] - meanY) * (y[$0] - meanY) }
                let covariance = mean { (x[$0] - meanX) * (y[$0] - meanY) }
                sum +=
                    (2 * meanX * meanY + c1) * (2 * covariance + c2)
                    / ((meanX * meanX + meanY * meanY + c1) * (varianceX + varianceY + c2))
            }
        }
        let expected = sum / Double((height - 10) * (width - 10))
        // `floats()` above rounds luma to float32.
        #expect(abs(try SSIM()(pictures[0], pictures[1]) - expected) < 1e-6)
    }

    @Test func smallPicturesAreRefused() throws {
        let x = try Tensor.zeros([1, 3, 11, 14])
        #expect(abs(try SSIM()(x, x) - 1) < 1e-12)
        #expect(throws: TensorError.self) { try SSIM(border: 1)(x, x) }
    }
}
