import Degradation
import Foundation
import Tensors

/// How much of a spectrum kernels leave unexplained.
struct SpectrumFit {
    /// log S less its smooth part, 1×N.
    private let rest: Tensor

    static let square = BlurSpectrum.square
    /// Hann's. Its own spectrum has three values, so what it does to others is a mean over neighbours.
    static let window = (0..<square).map { Float(0.5 - 0.5 * cos(2 * .pi * Double($0) / Double(square))) }
    private static let (middle, beside) = (2.0 / 3, 1.0 / 6)
    /// Of half a spectrum all columns but the first and the last, which have a neighbour on both sides.
    private static let columns = square / 2 - 1

    /// The frequencies of half a spectrum that count, in pixels⁻¹: neither the lowest, which are the
    /// picture's content, nor those in the corners.
    private static let frequencies: [(index: Int, x: Double, y: Double)] =
        (0..<square * columns).compactMap { index in
            let (row, column) = (index / columns, index % columns + 1)
            let x = Double(column) / Double(square)
            let y = Double(row < square / 2 ? row : row - square) / Double(square)
            let radius = (x * x + y * y).squareRoot()
            return radius > 0.03 && radius < 0.5 ? (index, x, y) : nil
        }

    /// An orthonormal basis of the smooth functions, a row each.
    private static let smooth: [[Float]] = {
        let radii = frequencies.map { log(($0.x * $0.x + $0.y * $0.y).squareRoot()) }
        let angles = frequencies.map { atan2($0.y, $0.x) }
        var rows = [radii.map { _ in 1.0 }, radii, radii.map { $0 * $0 }]
        for turns in [2.0, 4.0] { rows += [angles.map { cos(turns * $0) }, angles.map { sin(turns * $0) }] }
        for index in rows.indices {
            // Twice: once loses digits.
            for _ in 0..<2 {
                for other in rows[..<index] {
                    let share = zip(rows[index], other).reduce(0) { $0 + $1.0 * $1.1 }
                    rows[index] = zip(rows[index], other).map { $0 - share * $1 }
                }
            }
            let length = rows[index].reduce(0) { $0 + $1 * $1 }.squareRoot()
            rows[index] = rows[index].map { $0 / length }
        }
        return rows.map { $0.map(Float.init) }
    }()

    /// |D|² of forward differences.
    private static let gradientPower = frequencies.map {
        Float(4 - 2 * cos(2 * .pi * $0.x) - 2 * cos(2 * .pi * $0.y))
    }

    /// - Parameter logarithm: of a spectrum at ``places(of:)``.
    init(logarithm: Tensor) throws {
        rest = try Self.withoutSmooth(logarithm)
    }

    /// Spectra's values at the frequencies that count: N×1×square×(square/2 + 1) → N×frequencies.
    static func places(of spectra: Tensor) throws -> Tensor {
        try selected(spectra.narrowed(3, start: 1, count: columns))
    }

    /// The same without the first and last column.
    private static func selected(_ spectra: Tensor) throws -> Tensor {
        try spectra.reshaped([spectra.shape[0], square * columns])
            .selected(1, indices: Tensor(indices: frequencies.map(\.index)))
    }

    private static func withoutSmooth(_ rows: Tensor) throws -> Tensor {
        let basis = try Tensor(smooth.flatMap { $0 }, shape: [smooth.count, frequencies.count])
        return try rows - rows.matmul(basis.transposed()).matmul(basis)
    }

    /// The noise at which ``cepstrum(of:side:)`` looks at a kernel.
    private static let usualNoise = 1e-3

    /// What the spectrum tells of the kernel without guessing one: where it and its mirror image coincide. Around the
    /// middle of planes of `side`, odd, row by row: the autocorrelation of the whitened gradients, S over its smooth part being
    /// the spectrum; and the cepstrum, of which the logarithm is.
    func lags(side: Int) throws -> (autocorrelation: [Float], cepstrum: [Float]) {
        let logarithms = try rest.floats()
        let whitened = logarithms.map { exp($0) }
        let mean = whitened.reduce(0, +) / Float(whitened.count)
        return (
            try Self.around(whitened.map { $0 / mean - 1 }, side: side),
            try Self.around(logarithms, side: side)
        )
    }

    /// The cepstrum that a kernel alone would have.
    ///
    /// - Parameter kernel: row by row, of an odd side, at most ``square``.
    static func cepstrum(of kernel: [Float], kernelSide: Int, side: Int) throws -> [Float] {
        let plane = try Tensor(kernel, shape: [1, 1, kernelSide, kernelSide])
        let noise = try Tensor(gradientPower, shape: [1, gradientPower.count])
        let logarithm = try (powers(of: plane) + noise * usualNoise + 1e-6).log()
        return try around(withoutSmooth(logarithm).floats(), side: side)
    }

    /// What values at ``frequencies`` transform to, the first pixel in the middle. That one says how large they are, and
    /// is 0 instead.
    private static func around(_ values: [Float], side: Int) throws -> [Float] {
        let width = square / 2 + 1
        var plane = [Float](repeating: 0, count: square * width)
        for (value, frequency) in zip(values, frequencies) {
            plane[frequency.index / columns * width + frequency.index % columns + 1] = value
        }
        var lags = try Tensor(plane, shape: [1, 1, square, width]).inverseFourier(
            height: square, width: square
        )
        .rolled([side / 2, side / 2], dims: [2, 3]).cropped(height: side, width: side).contiguous().floats()
        lags[lags.count / 2] = 0
        return lags
    }

    /// The mean distance of log S from what a kernel and the best smooth function and noise explain, for each kernel.
    func misfits(of kernels: [BlurKernel], noises: [Double]) throws -> [Double] {
        let some = 64
        return try stride(from: 0, to: kernels.count, by: some).flatMap { first in
            try misfits(ofSome: Array(kernels[first..<min(first + some, kernels.count)]), noises)
        }
    }

    private func misfits(ofSome kernels: [BlurKernel], _ noises: [Double]) throws -> [Double] {
        let power = try Self.powers(of: kernels)
        let noise = try Tensor(Self.gradientPower, shape: [1, Self.gradientPower.count])
        var least = kernels.map { _ in Double.infinity }
        for level in noises {
            let explained = try Self.withoutSmooth((power + noise * level + 1e-6).log())
            let misfits = try (rest - explained).magnitude().mean([1]).floats()
            for (index, misfit) in misfits.enumerated() { least[index] = min(least[index], Double(misfit)) }
        }
        return least
    }

    /// |K|² as a windowed square shows it, kernels×frequencies.
    private static func powers(of kernels: [BlurKernel]) throws -> Tensor {
        try powers(of: BlurKernel.planes(kernels, side: kernels.map(\.side).max() ?? 1))
    }

    /// - Parameter planes: N×1×side×side.
    private static func powers(of planes: Tensor) throws -> Tensor {
        let side = planes.shape[3]
        let power = try planes.zeroPadded(bottom: square - side, right: square - side)
            .fourier(height: square, width: square)
            .magnitude().squared()
        let rows =
            try power * middle + (power.rolled([1], dims: [2]) + power.rolled([-1], dims: [2])) * beside
        func band(from first: Int) throws -> Tensor { try rows.narrowed(3, start: first, count: columns) }
        let smoothed = try band(from: 1) * middle + (band(from: 0) + band(from: 2)) * beside
        return try selected(smoothed)
    }
}
