import Diffusion
import ImageTensors
import Tensors

/// Where a picture shows which estimate of its blur is the best.
struct DecidingPlace {
    /// Its pixels of the picture, made smaller.
    let part: Tensor
    /// How many pixels of the part are one of the picture's.
    let scale: Double
    /// Where the part lies in the picture, made smaller as well.
    let region: PictureRegion
    /// Whether the part is the picture as it is.
    let isWhole: Bool
    private let place: PictureRegion
    private let picture: (height: Int, width: Int)

    /// - Parameters:
    ///   - blurred: 1×3×H×W in [-1, 1].
    ///   - scale: see ``BlurEstimator/scale(for:)``.
    init(in blurred: Tensor, scale: Double) throws {
        let place = try BlurEstimator.strongestPlace(
            in: BlurEstimator.luma(of: blurred), most: Int(Double(BlurChoice.mostPixels) / scale))
        let part = try Self.part(of: blurred, place, scale)
        let picture = (
            height: BlurEstimator.scaled(blurred.shape[2], by: scale),
            width: BlurEstimator.scaled(blurred.shape[3], by: scale)
        )
        func range(_ first: Int, _ count: Int, in length: Int) -> Range<Int> {
            let first = min(Int(Double(first) * scale), length - count)
            return first..<first + count
        }
        region = PictureRegion(
            rows: range(place.rows.lowerBound, part.shape[2], in: picture.height),
            columns: range(place.columns.lowerBound, part.shape[3], in: picture.width))
        isWhole = part.shape == blurred.shape
        (self.scale, self.place, self.part, self.picture) = (scale, place, part, picture)
    }

    private static func part(of picture: Tensor, _ place: PictureRegion, _ scale: Double) throws -> Tensor {
        try BlurEstimator.scaled(picture.part(place).contiguous(), by: scale)
    }

    /// The same place of another picture of the same size.
    func part(of other: Tensor) throws -> Tensor { try Self.part(of: other, place, scale) }

    /// The blur of the picture made smaller.
    func scaled(_ field: BlurField) -> BlurField {
        BlurField(
            rows: field.rows.scaled(to: picture.height), columns: field.columns.scaled(to: picture.width),
            kernels: field.kernels.map { $0.scaled(by: scale) }, clearest: field.clearest)
    }
}
