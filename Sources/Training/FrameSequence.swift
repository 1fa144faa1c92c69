import Degradation
import Foundation
import ImageFiles
import Tensors

/// Consecutive frames of a high-speed camera: the mean of a few is real motion blur, the middle
/// one its sharp picture.
public final class FrameSequence: Sendable {
    private let frames: PhotoCollection
    /// Sides of the largest crop there can be.
    var largestCrop: Int { frames.photos.map { min($0.width, $0.height) }.min() ?? 0 }

    /// How many frames are averaged; odd, so that one is in the middle.
    public static let counts = [7, 9, 11, 13]

    /// - Parameter paths: the frames in their order, all of one size.
    /// - Throws: ``DataError``; here a frame that cannot be read is an error, since it would leave a gap.
    public init(
        paths: [String], minimum: Int, device: Device = .cpu, memory: PhotoCollection.Memory = .auto
    ) throws {
        frames = try PhotoCollection(paths: paths.sorted(), minimum: minimum, device: device, memory: memory)
        if let reason = frames.unreadable.first { throw DataError("a sequence has a gap: \(reason)") }
        let sizes = Set(frames.photos.map { [$0.width, $0.height] })
        guard sizes.count == 1, frames.photos.count >= Self.counts.max() ?? 1 else {
            throw DataError("a sequence needs at least 13 frames of one size")
        }
    }

    /// The same crop of several frames in a row.
    struct Take: Equatable, Sendable {
        let crops: [PhotoCollection.Crop]

        /// The same as it is seen in the photo.
        var upright: Take {
            Take(
                crops: crops.map {
                    PhotoCollection.Crop(photo: $0.photo, column: $0.column, row: $0.row, pose: 0)
                })
        }

        /// Of all of its crops.
        var pose: Int { crops.first?.pose ?? 0 }
    }

    /// A random number of frames, a random place in them and a pose.
    func take(size: Int, using random: inout CounterStream) -> Take {
        let count = Self.counts[Int(random.uniform() * Double(Self.counts.count))]
        let first = Int(random.uniform() * Double(frames.photos.count - count + 1))
        let place = frames.crop(of: first, size: size, using: &random)
        return Take(
            crops: (first..<(first + count)).map {
                PhotoCollection.Crop(photo: $0, column: place.column, row: place.row, pose: place.pose)
            })
    }

    /// A random part of a take that was made in pose 0, and a pose.
    func part(of take: Take, size: Int, partSize: Int, using random: inout CounterStream) -> Take {
        let free = Double(size - partSize + 1)
        let (right, down) = (Int(random.uniform() * free), Int(random.uniform() * free))
        let pose = Int(random.uniform() * 8)
        return Take(
            crops: take.crops.map {
                PhotoCollection.Crop(
                    photo: $0.photo, column: $0.column + right, row: $0.row + down, pose: pose)
            })
    }

    /// Mean and middle frame of a take.
    ///
    /// - Parameter sumsStoredValues: whether it is the mean of the stored values and not of their light.
    /// - Returns: the mean as sRGB values in [-1, 1] and the middle frame as uint8, 1×3×size×size.
    func pair(_ take: Take, size: Int, sumsStoredValues: Bool = false) throws -> (
        mean: Tensor, middle: Tensor
    ) {
        try noGrad {
            let all = try frames.batch(take.crops, size: size)
            let values = try all.to(.float32) / 127.5 - 1
            let mean =
                try sumsStoredValues
                ? values.mean([0], keepDims: true)
                : TransferCurve.encoded(TransferCurve.linear(values).mean([0], keepDims: true))
            return (mean, try all.narrowed(0, start: take.crops.count / 2, count: 1))
        }
    }
}
