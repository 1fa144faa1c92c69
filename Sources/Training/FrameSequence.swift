import Degradation
import Foundation
import ImageFiles
import Tensors

/// Consecutive frames of a high-speed camera: the mean of a few is real motion blur, the middle
/// one its sharp picture.
public final class FrameSequence: Sendable {
    private let frames: PhotoCollection

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
    struct Take: Equatable {
        let crops: [PhotoCollection.Crop]
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

    /// Mean and middle frame of a take.
    ///
    /// - Returns: the mean in linear light in [0, 1] and the middle frame as uint8, 1×3×size×size.
    func pair(_ take: Take, size: Int) throws -> (light: Tensor, middle: Tensor) {
        try noGrad {
            let all = try frames.batch(take.crops, size: size)
            let light = try TransferCurve.linear(all.to(.float32) / 127.5 - 1).mean([0], keepDims: true)
            return (light, try all.narrowed(0, start: take.crops.count / 2, count: 1))
        }
    }
}
