import Degradation
import Foundation
import Tensors

/// Pictures continued at the bottom and at the right until their edges meet, since a Fourier transform takes
/// a picture for a tile of a pattern.
///
/// What is put there fades from the picture mirrored at one edge to the picture mirrored at the other; the
/// sides become numbers with no factor but 2, 3 and 5, for which transforms are fast.
struct PeriodicExtension: Sendable {
    let height: Int
    let width: Int
    /// Sides of the extended picture.
    let tall: Int
    let wide: Int

    /// - Parameter margin: pixels between two copies of the picture are at least twice as many.
    init(height: Int, width: Int, margin: Int) {
        self.height = height
        self.width = width
        tall = Self.smooth(height + 2 * margin)
        wide = Self.smooth(width + 2 * margin)
    }

    /// Whether the picture is large enough to be mirrored that far.
    var isPossible: Bool { tall <= 2 * height && wide <= 2 * width }

    private static func smooth(_ least: Int) -> Int {
        var number = least
        while true {
            var rest = number
            for prime in [2, 3, 5] {
                while rest % prime == 0 { rest /= prime }
            }
            if rest == 1 { return number }
            number += 1
        }
    }

    /// N×C×height×width → N×C×tall×wide.
    func extended(_ picture: Tensor) throws -> Tensor {
        try Self.extended(Self.extended(picture, dim: 2, to: tall), dim: 3, to: wide)
    }

    private static func extended(_ picture: Tensor, dim: Int, to length: Int) throws -> Tensor {
        let count = picture.shape[dim]
        let more = length - count
        guard more > 0 else { return picture }
        let mirrored = try picture.flipped([dim])
        let after = try mirrored.narrowed(dim, start: 0, count: more)
        let before = try mirrored.narrowed(dim, start: count - more, count: more)
        var shape = [1, 1, 1, 1]
        shape[dim] = more
        let share = try Tensor(
            (1...more).map { Float(0.5 - 0.5 * cos(.pi * Double($0) / Double(more + 1))) }, shape: shape
        ).to(picture.device)
        return try Tensor.concatenated([picture, after + (before - after) * share], dim: dim)
    }

    /// N×C×tall×wide → N×C×height×width.
    func cut(_ picture: Tensor) throws -> Tensor {
        try picture.cropped(height: height, width: width)
    }

    /// 1 in the picture but for `inset` pixels at its edges, 0 there and beyond; 1×1×tall×wide.
    func window(inset: Int) throws -> Tensor {
        func line(_ count: Int, _ length: Int) -> [Float] {
            (0..<length).map { inset <= $0 && $0 < count - inset ? 1 : 0 }
        }
        return try Tensor(line(height, tall), shape: [1, 1, tall, 1])
            * Tensor(line(width, wide), shape: [1, 1, 1, wide])
    }

    // MARK: spectra

    /// The transform of a kernel whose middle lies on the first pixel: complex, 1×1×tall×(wide/2 + 1).
    func spectrum(side: Int, values: [Float], device: Device = .cpu) throws -> Tensor {
        var plane = [Float](repeating: 0, count: tall * wide)
        let radius = side / 2
        for row in 0..<side {
            for column in 0..<side {
                let y = (row - radius + tall) % tall
                let x = (column - radius + wide) % wide
                plane[y * wide + x] += values[row * side + column]
            }
        }
        return try Tensor(plane, shape: [1, 1, tall, wide]).to(device).fourier(height: tall, width: wide)
    }

    /// The same of several kernels: complex, N×1×tall×(wide/2 + 1).
    func spectra(of kernels: [BlurKernel], device: Device) throws -> Tensor {
        // Small as they are they go to the device, and are put into their planes there.
        let side = kernels.map(\.side).max() ?? 1
        return try BlurKernel.planes(kernels, side: side).to(device)
            .zeroPadded(bottom: tall - side, right: wide - side)
            .rolled([-(side / 2), -(side / 2)], dims: [2, 3])
            .fourier(height: tall, width: wide)
    }

    /// Of the picture of a spectrum what lies around the first pixel, which is put in the middle, row by row.
    func around(_ spectrum: Tensor, reach: Int) throws -> [Float] {
        try spectrum.inverseFourier(height: tall, width: wide)
            .rolled([reach, reach], dims: [2, 3]).cropped(height: 2 * reach + 1, width: 2 * reach + 1)
            .contiguous().floats()
    }

    /// |F(∂x)|² + |F(∂y)|² of forward differences: 1×1×tall×(wide/2 + 1).
    func gradientPower(device: Device = .cpu) throws -> Tensor {
        func line(_ count: Int, of length: Int) -> [Float] {
            (0..<count).map { Float(2 - 2 * cos(2 * .pi * Double($0) / Double(length))) }
        }
        return try
            (Tensor(line(tall, of: tall), shape: [1, 1, tall, 1])
            + Tensor(line(wide / 2 + 1, of: wide), shape: [1, 1, 1, wide / 2 + 1])).to(device)
    }
}

extension Tensor {
    /// The difference to the next element along `dim`, of the last to the first.
    func forwardDifference(_ dim: Int) throws -> Tensor { try rolled([-1], dims: [dim]) - self }
}
