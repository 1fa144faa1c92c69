import Foundation
import Metrics
import Tensors
import Testing

@Suite("PSNR, luma, colour shift")
struct PixelMetricTests {
    private func flat(_ levels: [Double], height: Int = 20, width: Int = 24) throws -> Tensor {
        let pixels = height * width
        let values = levels.flatMap { [Float](repeating: Float($0 / 127.5 - 1), count: pixels) }
        return try Tensor(values, shape: [1, levels.count, height, width])
    }

    @Test func lumaIsThatOfMATLAB() throws {
        // rgb2ycbcr of black, white and the primaries.
        let colours: [([Double], Double)] = [
            ([0, 0, 0], 16), ([255, 255, 255], 235), ([255, 0, 0], 81.481), ([0, 255, 0], 144.553),
            ([0, 0, 255], 40.966),
        ]
        for (colour, expected) in colours {
            #expect(abs(try luma(flat(colour)).mean().item() - expected) < 1e-9)
        }
        #expect(try luma(flat([100])).mean().item() == 100)
    }

    @Test func psnrOfAConstantDifference() throws {
        let (a, b) = (try flat([100, 100, 100]), try flat([110, 110, 110]))
        #expect(abs(try PSNR(.rgb)(a, b) - 20 * log10(25.5)) < 1e-9)
        #expect(abs(try PSNR(.luma)(a, b) - 20 * log10(25.5 * 255 / 219)) < 1e-9)
        // One channel of three: a third of the squared error.
        #expect(abs(try PSNR(.rgb)(a, flat([110, 100, 100])) - 10 * log10(3 * 25.5 * 25.5)) < 1e-9)
        #expect(try PSNR()(a, a) == .infinity)
    }

    @Test func psnrLeavesTheBorderOut() throws {
        let clean = [Float](repeating: 0, count: 10 * 10)
        var dirty = clean
        dirty[0] = 1
        dirty[99] = 1
        dirty[3 * 10 + 3] = 0.2
        let a = try Tensor(clean, shape: [1, 1, 10, 10])
        let b = try Tensor(dirty, shape: [1, 1, 10, 10])
        // Levels 128 (127.5 rounds to even) and 153: 25 apart in one of sixteen samples.
        #expect(abs(try PSNR(.rgb, border: 3)(a, b) - 10 * log10(255 * 255 * 16 / 625)) < 1e-9)
        #expect(try PSNR(.rgb, border: 4)(a, b) == .infinity)
        #expect(throws: TensorError.self) { try PSNR(border: 5)(a, b) }
        #expect(throws: TensorError.self) { try PSNR(border: -1)(a, b) }
    }

    @Test func picturesAreRoundedTo8Bits() throws {
        #expect(try PSNR(.rgb)(flat([100.3]), flat([99.8])) == .infinity)
        #expect(try PSNR(.rgb)(flat([300]), flat([255])) == .infinity)
    }

    @Test func colourShiftIsTheDifferenceOfMeans() throws {
        let shift = try colorShift(flat([100, 50, 7]), flat([103, 48, 7], height: 5, width: 6))
        #expect(zip(shift.perChannel, [3, 2, 0]).allSatisfy { abs($0 - $1) < 1e-9 })
        #expect(abs(shift.maximum - 3) < 1e-9)
    }

    @Test func unfitPicturesAreRefused() throws {
        let a = try flat([1, 2, 3])
        #expect(throws: TensorError.self) { try PSNR()(a, flat([1])) }
        #expect(throws: TensorError.self) { try colorShift(a, flat([1])) }
        #expect(throws: TensorError.self) { try PSNR()(flat([1, 2]), flat([1, 2])) }
        #expect(throws: TensorError.self) { try PSNR()(a, Tensor.full([1, 3, 20, 24], .nan)) }
        #expect(throws: TensorError.self) { try lrConsistency(a, lr: flat([1, 2, 3], height: 21)) }
        #expect(throws: TensorError.self) { try luma(Tensor.zeros([2, 3, 4, 4])) }
    }

    @Test func lrConsistencyOfFlatPictures() throws {
        let small = try flat([90, 100, 110], height: 5, width: 6)
        // Equal pictures count as one value being off by one.
        let one = 20 * log10(255.0) + 10 * log10(Double(small.count))
        #expect(abs(try lrConsistency(flat([90, 100, 110]), lr: small) - one) < 1e-9)
        #expect(abs(try lrConsistency(flat([92, 102, 112]), lr: small) - 20 * log10(127.5)) < 1e-9)
    }
}
