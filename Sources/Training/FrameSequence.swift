import Foundation
import ImageFiles
import Tensors

/// Consecutive frames of a high-speed camera: the mean of a few is real motion blur, the middle
/// one its sharp picture.
public final class FrameSequence: Sendable {
    private let frames: PhotoCollection
    /// Linear light of the 256 levels of sRGB.
    private let light: [Float]

    /// How many frames are averaged; odd, so that one is in the middle.
    public static let counts = [7, 9, 11, 13]

    /// - Parameter paths: the frames in their order, all of one size.
    public init(paths: [String], minimum: Int) throws {
        frames = try PhotoCollection(paths: paths.sorted(), minimum: minimum)
        let sizes = Set(frames.photos.map { [$0.width, $0.height] })
        guard sizes.count == 1, frames.photos.count >= Self.counts.max() ?? 1 else {
            throw DataError("a sequence needs at least 13 frames of one size")
        }
        light = (0..<256).map { level in
            let value = Double(level) / 255
            return Float(value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4))
        }
    }

    /// A random crop, mean and middle frame, turned and mirrored at random.
    ///
    /// - Returns: the mean in linear light in [0, 1] and the middle frame as uint8, 1×3×size×size.
    public func pair(size: Int, using random: inout CounterStream) throws -> (light: Tensor, middle: Tensor) {
        let photos = frames.photos
        let count = Self.counts[Int(random.uniform() * Double(Self.counts.count))]
        let first = Int(random.uniform() * Double(photos.count - count + 1))
        let crop = PhotoCollection.Crop(photos[first], size: size, using: &random)
        var sums = [Float](repeating: 0, count: size * size * 3)
        for photo in photos[first..<(first + count)] {
            crop.forEachSample(of: photo) { index, level in sums[index] += light[Int(level)] }
        }
        let scale = 1 / Float(count)
        var middle = [UInt8](repeating: 0, count: size * size * 3)
        crop.forEachSample(of: photos[first + count / 2]) { index, level in middle[index] = level }
        let shape = [1, size, size, 3]
        return (
            try Tensor(sums.map { $0 * scale }, shape: shape).permuted([0, 3, 1, 2]),
            try Tensor(middle, shape: shape, dtype: .uint8).permuted([0, 3, 1, 2])
        )
    }
}
