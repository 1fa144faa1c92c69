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
    private let counts: [Int]

    public static let usualCounts = DrawRange(7, 13)

    /// The odd numbers of a range.
    public static func counts(in range: DrawRange) -> [Int] {
        stride(from: Int(range.low.rounded(.up)), through: Int(range.high), by: 1).filter { $0 % 2 == 1 }
    }

    /// - Parameters:
    ///   - paths: the frames in their order, all of one size.
    ///   - counts: odd numbers; how many frames are averaged.
    /// - Throws: ``DataError``; here a frame that cannot be read is an error, since it would leave a gap.
    public init(
        paths: [String], minimum: Int, counts: [Int] = FrameSequence.counts(in: usualCounts),
        device: Device = .cpu, memory: PhotoCollection.Memory = .auto
    ) throws {
        let longest = counts.max() ?? 1
        self.counts = counts
        frames = try PhotoCollection(paths: paths.sorted(), minimum: minimum, device: device, memory: memory)
        if let reason = frames.unreadable.first { throw DataError("a sequence has a gap: \(reason)") }
        let sizes = Set(frames.photos.map { [$0.width, $0.height] })
        guard sizes.count == 1, frames.photos.count >= longest else {
            throw DataError("a sequence needs at least \(longest) frames of one size")
        }
    }

    /// What crops and takes follow from.
    var description: String {
        "\(frames.photos.count) frames of \(largestCrop) pixels at least, \(counts) of them"
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
        let count = counts[Int(random.uniform() * Double(counts.count))]
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

    /// Means and middle frames of takes.
    ///
    /// - Parameter sumsStoredValues: of each take, whether its mean is that of stored values and not of their light.
    /// - Returns: the means as sRGB values in [-1, 1] and the middle frames as uint8, N×3×size×size.
    func pairs(_ takes: [Take], size: Int, sumsStoredValues: [Bool]) throws -> (
        means: Tensor, middles: Tensor
    ) {
        try noGrad {
            let all = try frames.batch(takes.flatMap(\.crops), size: size)
            let device = all.device
            func perFrame<Value>(_ value: (Int) -> Value) -> [Value] {
                takes.indices.flatMap { [Value](repeating: value($0), count: takes[$0].crops.count) }
            }
            func column(_ values: [Double]) throws -> Tensor {
                try Tensor(values.map(Float.init)).to(device).perSample()
            }
            let isStored = sumsStoredValues.map { $0 ? 1.0 : 0 }
            let values = try all.to(.float32) / 255
            let light = try TransferCurve.linear(values * 2 - 1)
            let summed = try light + (values - light) * column(perFrame { isStored[$0] })
            let means =
                try summed.summed(
                    into: takes.count, indices: Tensor(indices: perFrame { $0 }).to(device))
                / column(takes.map { Double($0.crops.count) })
            let encoded = try TransferCurve.encoded(means)
            var middle = 0
            let middles = takes.map { take in
                defer { middle += take.crops.count }
                return middle + take.crops.count / 2
            }
            return (
                try encoded + (means * 2 - 1 - encoded) * column(isStored),
                try all.selected(0, indices: Tensor(indices: middles).to(device))
            )
        }
    }
}
