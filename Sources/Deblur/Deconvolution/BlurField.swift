import Degradation
import Diffusion
import Tensors

/// A picture's blur from place to place: a kernel for each of some parts that overlap.
///
/// A camera that turns blurs a picture differently here and there, and so does one that moves where things are near and far. In
/// a part of some hundred pixels one kernel is near enough.
///
/// Source: Hirsch, Sra, Schölkopf and Harmeling, "Efficient filter flow for space-variant multiframe blind deconvolution", CVPR 2010.
struct BlurField: Sendable, Equatable {
    let rows: OverlappingParts
    let columns: OverlappingParts
    /// Row by row.
    let kernels: [BlurKernel]
    /// Which of them is known best.
    let clearest: Int

    /// - Parameters:
    ///   - rows, columns: parts of a picture's height and width.
    ///   - kernels: as many as there are parts.
    init(rows: OverlappingParts, columns: OverlappingParts, kernels: [BlurKernel], clearest: Int) {
        (self.rows, self.columns, self.kernels, self.clearest) = (rows, columns, kernels, clearest)
    }

    /// The same blur everywhere.
    init(_ kernel: BlurKernel, height: Int, width: Int) {
        self.init(
            rows: .init(length: height, count: 1), columns: .init(length: width, count: 1), kernels: [kernel],
            clearest: 0)
    }

    /// The kernel that is known best.
    var kernel: BlurKernel { kernels[clearest] }

    var isUniform: Bool { kernels.count == 1 }

    /// How much a part counts at the pixels of a place, 1×1×rows×columns; nil for nothing.
    func shares(of index: Int, in region: PictureRegion) throws -> Tensor? {
        let down = rows.shares(index / columns.count, in: region.rows)
        let right = columns.shares(index % columns.count, in: region.columns)
        guard down.contains(where: { $0 > 0 }), right.contains(where: { $0 > 0 }) else { return nil }
        return try Tensor(down, shape: [1, 1, down.count, 1]) * Tensor(right, shape: [1, 1, 1, right.count])
    }
}

extension WienerDeconvolution {
    /// What is seen around a part, pixels.
    private static let around = 48

    /// - Parameter blurred: 1×3×H×W, sRGB values in [-1, 1], of the field's height and width, on any device.
    /// - Returns: the same shape and range: what the kernels make of their parts, which fade into one another.
    func callAsFunction(_ blurred: Tensor, field: BlurField, in curve: LightCurve = .stored) throws
        -> Tensor
    {
        guard !field.isUniform else { return try self(blurred, kernels: [field.kernel], in: curve) }
        let result = try Tensor.zeros(blurred.shape, device: blurred.device)
        for (index, kernel) in field.kernels.enumerated() {
            let (row, column) = (index / field.columns.count, index % field.columns.count)
            let (rows, columns) = (field.rows.range(row), field.columns.range(column))
            let (tall, wide) = (Self.widened(rows, in: field.rows), Self.widened(columns, in: field.columns))
            let made = try self(blurred.part(tall, wide).contiguous(), kernels: [kernel], in: curve)
                .part(
                    rows.shifted(by: -tall.lowerBound), columns.shifted(by: -wide.lowerBound))
            guard
                let shares = try field.shares(
                    of: index, in: PictureRegion(rows: rows, columns: columns))
            else { continue }
            let place = try result.part(rows, columns)
            try place.copy(from: place + made * shares.to(blurred.device))
        }
        return result
    }

    private static func widened(_ range: Range<Int>, in parts: OverlappingParts) -> Range<Int> {
        max(0, range.lowerBound - around)..<min(parts.length, range.upperBound + around)
    }
}
