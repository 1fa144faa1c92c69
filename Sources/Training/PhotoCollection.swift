import Foundation
import ImageFiles
import Tensors

/// Photographs decoded into memory as 8-bit RGB, from which random crops are taken.
public final class PhotoCollection: Sendable {
    public struct Photo: Sendable {
        public let path: String
        public let width: Int
        public let height: Int
        /// Interleaved RGB, row-major.
        let bytes: [UInt8]
    }

    public let photos: [Photo]
    /// Running sums of the areas: a crop is drawn from a photo in proportion to its area.
    private let areas: [Double]

    /// - Parameter minimum: photos with a shorter side are left out.
    public init(paths: [String], minimum: Int, progress: (Int, Int) -> Void = { _, _ in }) throws {
        var photos: [Photo] = []
        for (index, path) in paths.enumerated() {
            progress(index, paths.count)
            let image = try Image.read(from: path).converted(bitDepth: 8).droppingAlpha().rgb()
            guard min(image.width, image.height) >= minimum else { continue }
            photos.append(
                Photo(
                    path: path, width: image.width, height: image.height,
                    bytes: image.samples.map { UInt8(truncatingIfNeeded: $0) }))
        }
        guard !photos.isEmpty else {
            throw DataError(
                "none of the \(paths.count) pictures found is at least \(minimum) pixels on its shorter side")
        }
        self.photos = photos
        var total = 0.0
        areas = photos.map { photo in
            total += Double(photo.width * photo.height)
            return total
        }
    }

    /// A batch of random crops, each turned and mirrored at random into one of eight poses.
    ///
    /// - Returns: N×3×size×size, uint8, in channels-last memory; the same for the same generator.
    public func batch(_ count: Int, size: Int, using random: inout CounterStream) throws -> Tensor {
        var bytes = [UInt8](repeating: 0, count: count * size * size * 3)
        for index in 0..<count {
            let photo = pick(random.uniform())
            let base = index * size * size * 3
            Crop(photo, size: size, using: &random).forEachSample(of: photo) { bytes[base + $0] = $1 }
        }
        return try Tensor(bytes, shape: [count, size, size, 3], dtype: .uint8).permuted([0, 3, 1, 2])
    }

    /// A square place in a photo and one of eight poses.
    struct Crop {
        let size: Int
        private let x0, y0, pose: Int

        init(_ photo: Photo, size: Int, using random: inout CounterStream) {
            self.size = size
            x0 = Int(random.uniform() * Double(photo.width - size + 1))
            y0 = Int(random.uniform() * Double(photo.height - size + 1))
            pose = Int(random.uniform() * 8)
        }

        /// Every sample of the turned crop with its place in size×size×3.
        @inline(__always)
        func forEachSample(of photo: Photo, _ body: (_ index: Int, _ value: UInt8) -> Void) {
            photo.bytes.withUnsafeBufferPointer { bytes in
                for row in 0..<size {
                    for column in 0..<size {
                        var (y, x) = pose & 1 == 0 ? (row, column) : (column, row)
                        if pose & 2 != 0 { y = size - 1 - y }
                        if pose & 4 != 0 { x = size - 1 - x }
                        let from = ((y0 + y) * photo.width + x0 + x) * 3
                        let to = (row * size + column) * 3
                        body(to, bytes[from])
                        body(to + 1, bytes[from + 1])
                        body(to + 2, bytes[from + 2])
                    }
                }
            }
        }
    }

    private func pick(_ u: Double) -> Photo {
        let target = u * (areas.last ?? 0)
        var (low, high) = (0, areas.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if areas[middle] > target { high = middle } else { low = middle + 1 }
        }
        return photos[low]
    }
}

/// Why training data cannot be used.
public struct DataError: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
