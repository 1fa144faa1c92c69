import Foundation
import Tensors

/// What an estimated kernel does to a picture: how far a picture that the true kernel has blurred is from the sharp one when the
/// estimate, with its centroid in the middle, is divided out.
///
///     mean over ω of S(ω)·|W(ω)·K(ω) − 1|²,   W = K̂* / (|K̂|² + λ·|D|² + ε)
///
/// S, of sum 1, is the spectrum of photographs, 1/(ω² + ω₀²). Kernels that differ where a photograph has nothing or no
/// deconvolution can succeed count as alike; a displacement counts as much as it costs.
public struct KernelMisfit: Sendable {
    private let side: Int
    /// cos and sin of 2π·f·y for rows f and places y from the middle, and for columns.
    private let rows: (cos: Tensor, sin: Tensor)
    private let columns: (cos: Tensor, sin: Tensor)
    /// 2π·f of the rows, F×1, and of the columns, 1×G.
    private let down: Tensor
    private let right: Tensor
    /// S, and λ·|D|² + ε.
    private let weights: Tensor
    private let ridge: Tensor

    /// λ as a deconvolution has it, ε for the noise of a photograph, ω₀ in cycles a pixel.
    private static let (gradientWeight, noise, lowest) = (0.01, 1e-3, 0.02)

    /// - Parameter side: of the planes that kernels lie in, odd.
    public init(side: Int, device: Device) throws {
        self.side = side
        let count = 2 * side + 2
        let vertical = (0..<count).map { Double($0 < count / 2 ? $0 : $0 - count) / Double(count) }
        let horizontal = (0...count / 2).map { Double($0) / Double(count) }
        func waves(_ frequencies: [Double], _ function: (Double) -> Double) throws -> Tensor {
            try Tensor(
                frequencies.flatMap { f in
                    (0..<side).map { Float(function(2 * .pi * f * Double($0 - side / 2))) }
                }, shape: [frequencies.count, side]
            ).to(device)
        }
        rows = (try waves(vertical, cos), try waves(vertical, sin))
        columns = (try waves(horizontal, cos).transposed(), try waves(horizontal, sin).transposed())
        down = try Tensor(vertical.map { Float(2 * .pi * $0) }, shape: [count, 1]).to(device)
        right = try Tensor(horizontal.map { Float(2 * .pi * $0) }, shape: [1, horizontal.count]).to(device)
        var spectrum: [Double] = []
        var ridge: [Float] = []
        for y in vertical {
            for (column, x) in horizontal.enumerated() {
                // The other half of the plane is that of the conjugates.
                let twice = column == 0 || column == count / 2 ? 1.0 : 2.0
                spectrum.append(twice / (y * y + x * x + Self.lowest * Self.lowest))
                let gradients = 4 - 2 * cos(2 * .pi * y) - 2 * cos(2 * .pi * x)
                ridge.append(Float(Self.gradientWeight * gradients + Self.noise))
            }
        }
        let total = spectrum.reduce(0, +)
        let shape = [count, horizontal.count]
        weights = try Tensor(spectrum.map { Float($0 / total) }, shape: shape).to(device)
        self.ridge = try Tensor(ridge, shape: shape).to(device)
    }

    /// - Parameters:
    ///   - kernels: estimates of sum 1, anywhere in their planes, N×1×side×side; differentiable in them.
    ///   - truth: N×1×side×side, their centroids in the middle.
    /// - Returns: N values; 0 is a perfect picture, 1 as good as none.
    public func callAsFunction(_ kernels: Tensor, truth: Tensor) throws -> Tensor {
        let count = kernels.shape[0]
        let estimate = try transformed(kernels.reshaped([count, side, side]))
        let known = try transformed(truth.reshaped([count, side, side]))
        let place = try centroids(kernels)
        let angle = try place.y * down + place.x * right
        let (turnedReal, turnedImaginary) = try (angle.cos(), angle.sin())
        // K̂*·K, and turned by what brings the estimate to the middle.
        let real = try estimate.real * known.real + estimate.imaginary * known.imaginary
        let imaginary = try estimate.real * known.imaginary - estimate.imaginary * known.real
        let power = try estimate.real.squared() + estimate.imaginary.squared() + ridge
        let error =
            try ((real * turnedReal + imaginary * turnedImaginary) / power - 1).squared()
            + ((imaginary * turnedReal - real * turnedImaginary) / power).squared()
        return try (error * weights).sum([1, 2])
    }

    /// The loss of a batch: a hundredth of a picture's error is as much worth at a good one as a tenth at a bad one.
    public func loss(_ kernels: Tensor, truth: Tensor) throws -> Tensor {
        try (self(kernels, truth: truth) + 1e-3).log().mean()
    }

    private func transformed(_ kernels: Tensor) throws -> (real: Tensor, imaginary: Tensor) {
        let (even, odd) = try (rows.cos.matmul(kernels), rows.sin.matmul(kernels))
        return (
            try even.matmul(columns.cos) - odd.matmul(columns.sin),
            try -(odd.matmul(columns.cos) + even.matmul(columns.sin))
        )
    }

    /// From the middle, pixels, N×1×1 each.
    private func centroids(_ kernels: Tensor) throws -> (y: Tensor, x: Tensor) {
        let places = try Tensor((0..<side).map { Float($0 - side / 2) }).to(kernels.device)
        func centroid(_ other: Int) throws -> Tensor {
            try (kernels.sum([1, other]) * places).sum([1]).reshaped([kernels.shape[0], 1, 1])
        }
        return (try centroid(3), try centroid(2))
    }
}
