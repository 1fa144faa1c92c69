import Foundation
import Testing

@testable import Tensors

struct PictureOperatorTests {
    @Test func powersAndChoices() throws {
        let x = try Tensor([0, 0.25, 0.5, 2])
        let powers = try x.power(2.4).floats()
        for (value, base) in zip(powers, [0, 0.25, 0.5, 2.0]) {
            #expect(abs(Double(value) - pow(base, 2.4)) < 1e-6)
        }
        let chosen = try x.chosen(upTo: 0.5, x * 10, else: -x).floats()
        #expect(chosen == [0, 2.5, 5, -2], "the limit itself belongs to the small")
    }

    /// Reflection as an index with period 2(n − 1), also where the margin is wider than the picture.
    @Test(arguments: [(1, 1, 3), (2, 3, 5), (6, 4, 2), (1, 5, 2)])
    func everySideIsReflected(height: Int, width: Int, margin: Int) throws {
        let values = (0..<height * width).map(Float.init)
        let padded = try Tensor(values, shape: [1, 1, height, width]).reflectPadded(by: margin)
        #expect(padded.shape == [1, 1, height + 2 * margin, width + 2 * margin])
        func reflected(_ index: Int, _ size: Int) -> Int {
            guard size > 1 else { return 0 }
            let period = 2 * (size - 1)
            let place = ((index % period) + period) % period
            return min(place, period - place)
        }
        let result = try padded.floats()
        for y in 0..<(height + 2 * margin) {
            for x in 0..<(width + 2 * margin) {
                let expected = values[reflected(y - margin, height) * width + reflected(x - margin, width)]
                #expect(result[y * (width + 2 * margin) + x] == expected)
            }
        }
    }

    /// Against the definition; at the edges there are fewer elements, not zeros.
    @Test(arguments: [1, 3, 7]) func movingWindows(window: Int) throws {
        let (height, width) = (6, 9)
        let values = try NoiseField(seed: 2).tensor(step: 0, channels: 1, height: height, width: width)
            .floats()
        let x = try Tensor(values, shape: [1, 1, height, width])
        let (means, maxima) = (try x.movingMean(window).floats(), try x.movingMaximum(window).floats())
        let radius = window / 2
        for row in 0..<height {
            for column in 0..<width {
                let around = (max(0, row - radius)...min(height - 1, row + radius)).flatMap { y in
                    (max(0, column - radius)...min(width - 1, column + radius)).map { values[y * width + $0] }
                }
                let place = row * width + column
                #expect(maxima[place] == around.max())
                #expect(abs(means[place] - around.reduce(0, +) / Float(around.count)) < 1e-6)
            }
        }
    }

    @Test(arguments: [(8, 8), (7, 10), (1, 5)]) func fourierTransformsInvert(height: Int, width: Int) throws {
        let plane = try NoiseField(seed: 1).tensor(step: 0, channels: 2, height: height, width: width)
        let back = try plane.fourier(height: height, width: width).inverseFourier(
            height: height, width: width)
        #expect(try (back - plane).magnitude().max().item() < 1e-5)
    }

    @Test func aProductOfTransformsIsACircularConvolution() throws {
        let x = try Tensor([1, 2, 3, 4, 5], shape: [1, 5])
        let shift = try Tensor([0, 0, 1, 0, 0], shape: [1, 5])
        let product = try x.fourier(height: 1, width: 5) * shift.fourier(height: 1, width: 5)
        let result = try product.inverseFourier(height: 1, width: 5).floats()
        #expect(zip(result, [4, 5, 1, 2, 3]).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    /// Several pictures' patches at once, and back, are the same numbers as by libtorch's operators.
    @Test(arguments: [1, 2, 4]) func patchesOfSeveralPicturesAreUnshuffledPixels(_ patch: Int) throws {
        try noGrad {
            let noisy = try randomTensor([2, 3, 12, 20], stream: 1)
            let condition = try randomTensor([2, 5, 12, 20], stream: 2)
            let expected = try Tensor.concatenated([noisy, condition], dim: 1).pixelUnshuffled(patch)
            // Row-major memory and a view of a larger picture.
            let wide = try Tensor.concatenated([condition, condition], dim: 3)
            for other in [condition, try wide.narrowed(3, start: 20, count: 20)] {
                let found = try #require(try Tensor.patches(of: [noisy, other], size: patch))
                #expect(found.isChannelsLast && found.shape == expected.shape)
                #expect(try found.floats() == expected.floats())
                let back = try #require(try found.picture(ofPatches: patch))
                #expect(try back.floats() == Tensor.concatenated([noisy, condition], dim: 1).floats())
            }
            #expect(try Tensor.patches(of: [noisy, condition.to(.float64)], size: patch) == nil)
            #expect(try expected.contiguous().to(.float64).picture(ofPatches: patch) == nil)
        }
    }
}
