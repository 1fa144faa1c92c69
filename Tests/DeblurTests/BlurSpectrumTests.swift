import Degradation
import Foundation
import Tensors
import Testing

@testable import Deblur

@Suite struct BlurSpectrumTests {
    /// A picture whose spectrum falls with the frequency as a photograph's does: texture without any edge, 1×1×H×W about 0.5.
    private static func texture(height: Int, width: Int, seed: UInt64 = 4) throws -> Tensor {
        let noise = try NoiseField(seed: seed).tensor(step: 0, channels: 1, height: height, width: width)
        let plan = PeriodicExtension(height: height, width: width, margin: 0)
        let fall = try (plan.gradientPower() + 1e-3).squareRoot()
        let spectrum =
            try noise.zeroPadded(bottom: plan.tall - height, right: plan.wide - width)
            .fourier(height: plan.tall, width: plan.wide) / fall
        return try plan.cut(spectrum.inverseFourier(height: plan.tall, width: plan.wide)) * 0.05 + 0.5
    }

    private static func blurred(_ picture: Tensor, _ kernel: BlurKernel, noise: Double) throws -> Tensor {
        let margin = kernel.side / 2
        let blurred = try BlurDegradation.blurred(picture, margin: margin, kernels: [kernel])
        let grain = try NoiseField(seed: 9).tensor(
            step: 1, channels: 1, height: blurred.shape[2], width: blurred.shape[3])
        return try blurred + grain * noise
    }

    private func finding(_ gray: Tensor, side: Int = 21) throws -> BlurSpectrum.Finding? {
        try BlurSpectrum(side: side).finding(ofLuma: gray)
    }

    @Test(arguments: [
        BlurKernel.linear(length: 11, angle: 0.4), .linear(length: 6, angle: 2.3),
        .linear(length: 19, angle: 1.2), .defocus(radius: 3.3), .defocus(radius: 6), .gaussian(sigma: 1.9),
    ])
    func aKernelOfAFamilyIsFoundInTextureWithoutEdges(kernel: BlurKernel) throws {
        let sharp = try Self.texture(height: 330, width: 470)
        let blurred = try Self.blurred(sharp, kernel, noise: 0.001)
        let found = try #require(try finding(blurred))
        let (near, edges) = (
            try found.member.kernel.distance(to: kernel),
            try BlurEstimator(side: 21).estimates(ofLuma: blurred)[0].kernel.distance(to: kernel)
        )
        print("\(found): off by \(near), by edges by \(edges)")
        #expect(near < 0.2 && near < edges / 3)
        // Rings are fewer and wider than lines.
        let isStraight = if case .straight = found.member { true } else { false }
        #expect(
            found.clearness > (isStraight ? Deconvolution.sureClearness : Deconvolution.leastClearness))
        #expect(try finding(blurred) == found)
    }

    @Test(arguments: [
        BlurKernel.linear(length: 11, angle: 0.4), .linear(length: 6, angle: 2.3), .defocus(radius: 3.3),
    ])
    func itIsFoundInAPictureOfEdges(kernel: BlurKernel) throws {
        let (_, blurred) = try DeconvolutionTests.pair(side: 240, kernel, noise: 0.01)
        let found = try #require(try finding(BlurEstimator.luma(of: blurred)))
        let near = try found.member.kernel.distance(to: kernel)
        print("\(found): off by \(near)")
        #expect(near < 0.3)
        #expect(found.clearness > Deconvolution.leastClearness)
    }

    @Test func whatIsNotBlurredOrOtherwiseIsNotSure() throws {
        let sharp = try Self.texture(height: 330, width: 470)
        for picture in [sharp, try sharp + Self.texture(height: 330, width: 470, seed: 8)] {
            #expect(try finding(picture)?.clearness ?? 0 < Deconvolution.leastClearness)
        }
        // A corner is no straight line.
        var values = [Float](repeating: 0, count: 15 * 15)
        for index in 0..<15 { (values[index * 15], values[14 * 15 + index]) = (1, 1) }
        let corner = try BlurKernel(side: 15, values: values)
        let bent = try Self.blurred(sharp, corner, noise: 0.001)
        #expect(try finding(bent)?.clearness ?? 0 < Deconvolution.sureClearness)
    }

    @Test func aPictureThatTellsNothingGivesNothing() throws {
        #expect(try finding(Tensor.full([1, 1, 200, 200], 0.4)) == nil)
        #expect(try finding(Self.texture(height: 128, width: 400)) == nil, "smaller than a square")
        #expect(try finding(Self.texture(height: 20, width: 20)) == nil)
        #expect(try finding(Tensor.full([1, 1, 200, 200], .nan)) == nil)
    }

    /// In a smaller version; from there the kernel is of the picture's own pixels.
    @Test func aLongMotionIsFoundInALargePicture() throws {
        let kernel = BlurKernel.linear(length: 24, angle: 0.6)
        let blurred = try Self.blurred(Self.texture(height: 800, width: 800), kernel, noise: 0.001)
        let found = try #require(try finding(blurred, side: 15))
        print(found)
        #expect(found.clearness > Deconvolution.sureClearness)
        #expect(try found.member.kernel.distance(to: kernel) < 0.4)
    }

    /// The definition, put together from its parts.
    @Test func whatASmoothFunctionAndAKernelExplainIsNoMisfit() throws {
        let (square, columns) = (BlurSpectrum.square, BlurSpectrum.square / 2 + 1)
        let kernel = BlurKernel.linear(length: 9, angle: 1.0)
        let plane = try BlurKernel.planes([kernel], side: kernel.side)
            .zeroPadded(bottom: square - kernel.side, right: square - kernel.side)
        // What Hann's window makes of |K|² in the mean over noise: its correlation fades the kernel's.
        let transformed = try plane.fourier(height: square, width: square)
        let shifts = try (transformed * transformed.conjugated()).inverseFourier(
            height: square, width: square)
        let fading = (0..<square).map { shift -> Float in
            let window = SpectrumFit.window
            // Periodic, as the transform takes it.
            return (0..<square).reduce(0) { $0 + window[$1] * window[($1 + shift) % square] }
        }
        let line = fading.map { $0 / fading[0] }
        let faded = try
            (shifts * Tensor(line, shape: [1, 1, square, 1]) * Tensor(line, shape: [1, 1, 1, square]))
            .fourier(height: square, width: square).magnitude()
        var smooth = [Float](repeating: 0, count: square * columns)
        for row in 0..<square {
            for column in 0..<columns where row > 0 || column > 0 {
                let (x, y) = (Double(column), Double(row < square / 2 ? row : row - square))
                let radius = log((x * x + y * y).squareRoot() / Double(square))
                smooth[row * columns + column] = Float(
                    2 - 0.7 * radius + 0.1 * radius * radius + 0.3 * cos(2 * atan2(y, x))
                        - 0.2 * sin(4 * atan2(y, x)))
            }
        }
        let spectrum = try (faded + 1e-6).log() + Tensor(smooth, shape: [1, 1, square, columns])
        let fit = try SpectrumFit(logarithm: SpectrumFit.places(of: spectrum))
        let misfits = try fit.misfits(
            of: [kernel, .identity, .linear(length: 9, angle: 1.1), .linear(length: 10, angle: 1)],
            noises: [0])
        print(misfits)
        #expect(misfits[0] < 2e-3)
        #expect(misfits[1...].allSatisfy { $0 > 0.03 })
        // With noise in the picture the same noise explains it, and none does not.
        let noisy = try
            (faded + PeriodicExtension(height: square, width: square, margin: 0).gradientPower() * 1e-3
            + 1e-6).log()
        let noisyFit = try SpectrumFit(logarithm: SpectrumFit.places(of: noisy))
        #expect(try noisyFit.misfits(of: [kernel], noises: [1e-4, 1e-3])[0] < 2e-3)
        #expect(try noisyFit.misfits(of: [kernel], noises: [0])[0] > 0.03)
    }
}

extension BlurKernel {
    /// Sum of the absolute differences, 0…2.
    func distance(to other: BlurKernel) throws -> Double {
        let side = max(side, other.side)
        let planes = try [self, other].map { try BlurKernel.planes([$0], side: side) }
        return try (planes[0] - planes[1]).magnitude().sum().item()
    }
}
