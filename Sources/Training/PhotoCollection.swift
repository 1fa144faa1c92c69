import Foundation
import ImageFiles
import Tensors

/// Photographs in memory as 8-bit RGB, from which random crops are taken on the device they lie on.
public final class PhotoCollection: @unchecked Sendable {
    // Unchecked: everything is constant, and tensors may be read from several threads.

    public struct Photo: Sendable, Equatable {
        public let path: String
        public let width: Int
        public let height: Int
        /// Where its first pixel lies among those of all photographs.
        let start: Int
    }

    /// Where the photographs are kept; `auto` is the device if they fit into half of what is free there,
    /// else the host.
    public typealias Memory = Recipe.DataSettings.Memory

    public let photos: [Photo]
    /// Pictures that could not be read, each with the reason.
    public let unreadable: [String]
    /// All pixels, (count)×3, uint8, a photograph after the other, row by row.
    let pixels: Tensor
    /// Where crops come out.
    let device: Device
    /// Whether crops come from the host's memory to another device.
    var areElsewhere: Bool { pixels.device != device }
    /// Running sums of the areas: a crop is drawn from a photo in proportion to its area.
    private let areas: [Double]

    /// Decodes pictures, as many at a time as there are cores.
    ///
    /// A picture that cannot be read is left out and named in ``unreadable``.
    ///
    /// - Parameters:
    ///   - minimum: photos with a shorter side are left out.
    ///   - device: where crops are wanted.
    /// - Throws: ``DataError`` when no picture is left.
    public init(paths: [String], minimum: Int, device: Device = .cpu, memory: Memory = .auto) throws {
        let decoded = Self.decoded(paths, minimum: minimum)
        unreadable = decoded.compactMap { if case .unreadable(let reason) = $0 { reason } else { nil } }
        var photos: [Photo] = []
        var count = 0
        var parts: [[UInt8]] = []
        for (path, result) in zip(paths, decoded) {
            guard case .picture(let width, let height, let bytes) = result else { continue }
            photos.append(Photo(path: path, width: width, height: height, start: count))
            count += width * height
            parts.append(bytes)
        }
        guard !photos.isEmpty else {
            throw DataError(
                unreadable.first.map { "none of the \(paths.count) pictures found can be used: \($0)" }
                    ?? "none of the \(paths.count) pictures found is at least \(minimum) pixels on its shorter side"
            )
        }
        self.photos = photos
        self.device = device
        var total = 0.0
        areas = photos.map { photo in
            total += Double(photo.width * photo.height)
            return total
        }
        let store = try Self.store(memory, device: device, bytes: Double(count * 3))
        // Picture by picture, so that the host never holds all of them twice.
        let pixels = try Tensor.zeros([count, 3], dtype: .uint8, device: store)
        for (photo, bytes) in zip(photos, parts) {
            let rows = photo.width * photo.height
            try pixels.narrowed(0, start: photo.start, count: rows)
                .copy(from: Tensor(bytes, shape: [rows, 3], dtype: .uint8))
        }
        self.pixels = pixels
    }

    private static func store(_ memory: Memory, device: Device, bytes: Double) throws -> Device {
        switch memory {
        case .host: return .cpu
        case .device: return device
        case .auto:
            guard let free = device.availableMemory else { return .cpu }
            return bytes <= free / 2 ? device : .cpu
        }
    }

    private enum Decoded: Sendable {
        case picture(width: Int, height: Int, bytes: [UInt8])
        case small
        case unreadable(String)
    }

    private static func decoded(_ paths: [String], minimum: Int) -> [Decoded] {
        concurrentMap(paths.count, workers: ProcessInfo.processInfo.activeProcessorCount) {
            decode(paths[$0], minimum: minimum)
        }
    }

    private static func decode(_ path: String, minimum: Int) -> Decoded {
        do {
            let image = try Image.read(from: path).converted(bitDepth: 8).droppingAlpha().rgb()
            guard min(image.width, image.height) >= minimum else { return .small }
            return .picture(
                width: image.width, height: image.height,
                bytes: image.samples.map { UInt8(truncatingIfNeeded: $0) })
        } catch {
            return .unreadable("\(error)")
        }
    }

    // MARK: crops

    /// A square place in a photo and one of eight poses.
    public struct Crop: Sendable, Equatable {
        let photo: Int
        let column: Int
        let row: Int
        /// Bit 0: rows and columns exchanged; bit 1: upside down; bit 2: mirrored.
        let pose: Int
    }

    /// A random crop: a photo by its area, a place, a pose.
    func crop(size: Int, using random: inout CounterStream) -> Crop {
        crop(of: pick(random.uniform()), size: size, using: &random)
    }

    /// A random place in a photo and a pose.
    func crop(of index: Int, size: Int, using random: inout CounterStream) -> Crop {
        let photo = photos[index]
        let column = Int(random.uniform() * Double(photo.width - size + 1))
        let row = Int(random.uniform() * Double(photo.height - size + 1))
        return Crop(photo: index, column: column, row: row, pose: Int(random.uniform() * 8))
    }

    /// Crops as a batch, gathered where the photographs lie.
    ///
    /// - Returns: N×3×size×size, uint8, in channels-last memory, on ``device``.
    public func batch(_ crops: [Crop], size: Int) throws -> Tensor {
        // The address of pixel (y, x) of a turned crop is linear in y and x.
        var starts: [Int] = []
        var downs: [Int] = []
        var rights: [Int] = []
        for crop in crops {
            let photo = photos[crop.photo]
            let width = photo.width
            var down = (row: 1, column: 0)
            var right = (row: 0, column: 1)
            var origin = (row: 0, column: 0)
            if crop.pose & 1 != 0 { (down, right) = (right, down) }
            if crop.pose & 2 != 0 {
                origin.row = size - 1
                (down.row, right.row) = (-down.row, -right.row)
            }
            if crop.pose & 4 != 0 {
                origin.column = size - 1
                (down.column, right.column) = (-down.column, -right.column)
            }
            starts.append(photo.start + (crop.row + origin.row) * width + crop.column + origin.column)
            downs.append(down.row * width + down.column)
            rights.append(right.row * width + right.column)
        }
        let count = crops.count
        return try noGrad {
            let home = pixels.device
            func perCrop(_ values: [Int]) throws -> Tensor {
                try Tensor(indices: values).to(home).reshaped([count, 1, 1])
            }
            let steps = try Tensor(indices: Array(0..<size)).to(home)
            let rows = try perCrop(downs) * steps.reshaped([1, size, 1])
            let columns = try perCrop(rights) * steps.reshaped([1, 1, size])
            let places = try (perCrop(starts) + rows + columns).reshaped([count * size * size])
            return try pixels.selected(0, indices: places).reshaped([count, size, size, 3])
                .to(device).permuted([0, 3, 1, 2])
        }
    }

    /// A batch of random crops.
    ///
    /// - Returns: N×3×size×size, uint8, in channels-last memory; the same for the same generator.
    public func batch(_ count: Int, size: Int, using random: inout CounterStream) throws -> Tensor {
        try batch((0..<count).map { _ in crop(size: size, using: &random) }, size: size)
    }

    /// The photo at that place in the order of areas, 0…1.
    func pick(_ u: Double) -> Int {
        let target = u * (areas.last ?? 0)
        var (low, high) = (0, areas.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if areas[middle] > target { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Why training data cannot be used.
public struct DataError: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
