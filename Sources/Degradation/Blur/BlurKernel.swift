import Foundation
import Tensors

/// A point-spread function: square, of odd side, with values that are not negative and sum to 1.
///
/// Its centroid lies on the middle pixel, so that a blurred picture stays where the sharp one was.
public struct BlurKernel: Sendable, Equatable {
    /// Odd, 1…``maximumSide``.
    public let side: Int
    /// Row-major, side × side.
    public let values: [Float]

    public static let maximumSide = 85

    /// No blur.
    public static let identity = BlurKernel(stored: 1, values: [1])

    private init(stored side: Int, values: [Float]) {
        self.side = side
        self.values = values
    }

    /// A kernel of measured values, row by row; it is moved so that its centroid lies on the middle pixel.
    ///
    /// - Throws: ``DegradationError`` where the values are not side × side, one is negative, or all are 0.
    public init(side: Int, values: [Float]) throws {
        guard side > 0, values.count == side * side, values.allSatisfy({ $0 >= 0 && $0.isFinite }),
            values.contains(where: { $0 > 0 })
        else { throw DegradationError("a kernel has side × side values that are not negative") }
        self.init(
            points: values.indices.compactMap { index in
                guard values[index] > 0 else { return nil }
                return (Double(index % side), Double(index / side), Double(values[index]))
            })
    }

    /// A kernel as ``values`` gave it: the same numbers at the same places.
    ///
    /// - Throws: ``DegradationError`` where there is no kernel of these values.
    public init(side: Int, exactly values: [Float]) throws {
        guard side % 2 == 1, (1...Self.maximumSide).contains(side), values.count == side * side,
            values.allSatisfy({ $0 >= 0 && $0.isFinite })
        else {
            throw DegradationError("a kernel has side × side values that are not negative, and an odd side")
        }
        self.init(stored: side, values: values)
    }

    /// Spreads weighted points over the pixels around them, each bilinearly over four, after
    /// moving their centroid to the middle. Bilinear shares keep the centroid exactly.
    init(points: [WeightedPoint]) {
        let total = points.reduce(0) { $0 + $1.weight }
        guard total > 0 else {
            self = .identity
            return
        }
        let centre = Self.centroid(of: points)
        // A trajectory far longer than a kernel can be is cut, not refused.
        let radius = min(Self.radius(around: centre, points), (Self.maximumSide - 1) / 2)
        let side = 2 * radius + 1
        var sums = [Double](repeating: 0, count: side * side)
        for point in points {
            let x = point.x - centre.x + Double(radius)
            let y = point.y - centre.y + Double(radius)
            let (left, top) = (x.rounded(.down), y.rounded(.down))
            for (row, rowShare) in [(Int(top), 1 - (y - top)), (Int(top) + 1, y - top)] {
                for (column, columnShare) in [(Int(left), 1 - (x - left)), (Int(left) + 1, x - left)] {
                    guard (0..<side).contains(row), (0..<side).contains(column) else { continue }
                    sums[row * side + column] += rowShare * columnShare * point.weight / total
                }
            }
        }
        let sum = sums.reduce(0, +)
        self.init(stored: side, values: sums.map { Float($0 / sum) })
    }

    /// The side of the square around the middle that has all but a thousandth of the light: what is fainter can be of rounding.
    public var extent: Int {
        var rings = [Float](repeating: 0, count: side / 2 + 1)
        for (index, value) in values.enumerated() {
            rings[max(abs(index / side - side / 2), abs(index % side - side / 2))] += value
        }
        var (radius, outside) = (side / 2, Float(0))
        while radius > 0, outside + rings[radius] < 1e-3 {
            outside += rings[radius]
            radius -= 1
        }
        return 2 * radius + 1
    }

    /// The same blur of a picture that is so many times as large.
    public func scaled(by factor: Double) -> BlurKernel {
        guard factor != 1 else { return self }
        return BlurKernel(
            points: values.indices.compactMap { index in
                guard values[index] > 0 else { return nil }
                return (
                    Double(index % side) * factor, Double(index / side) * factor, Double(values[index])
                )
            })
    }

    typealias WeightedPoint = (x: Double, y: Double, weight: Double)

    /// - Parameter points: with some weight among them.
    static func centroid(of points: [WeightedPoint]) -> (x: Double, y: Double) {
        let total = points.reduce(0) { $0 + $1.weight }
        return (
            points.reduce(0) { $0 + $1.x * $1.weight } / total,
            points.reduce(0) { $0 + $1.y * $1.weight } / total
        )
    }

    /// Whole pixels from a place that reach all points.
    static func radius(around centre: (x: Double, y: Double), _ points: [WeightedPoint]) -> Int {
        let reach = points.reduce(0) { max($0, abs($1.x - centre.x), abs($1.y - centre.y)) }
        return max(0, Int((reach - 1e-9).rounded(.up)))
    }

    /// Kernels in the middle of planes that are 0 around them, N×1×side×side.
    ///
    /// - Parameter side: odd, at least that of every kernel.
    public static func planes(_ kernels: [BlurKernel], side: Int) throws -> Tensor {
        var values = [Float](repeating: 0, count: kernels.count * side * side)
        for (index, kernel) in kernels.enumerated() {
            let inset = (side - kernel.side) / 2
            guard inset >= 0 else {
                throw TensorError(
                    operation: "planes of kernels",
                    reason: "a kernel of \(kernel.side) pixels is larger than \(side)")
            }
            for row in 0..<kernel.side {
                let place = (index * side + inset + row) * side + inset
                values.replaceSubrange(
                    place..<(place + kernel.side),
                    with: kernel.values[(row * kernel.side)..<((row + 1) * kernel.side)])
            }
        }
        return try Tensor(values, shape: [kernels.count, 1, side, side])
    }

    // MARK: motion

    /// A hand-held camera during the exposure: a random walk with inertia in three dimensions,
    /// seen by a pinhole camera.
    ///
    /// The velocity keeps most of itself, is pulled back to the start, gets a little noise at
    /// every moment and now and then a jerk; z moves the point along the optical axis.
    /// Source: after Boracchi and Foi, "Modeling the performance of image restoration from
    /// motion blur", 2012.
    ///
    /// - Parameter extent: the longer side of the path's bounding box in pixels.
    public static func cameraShake(extent: Double, using random: inout some RandomNumberGenerator)
        -> BlurKernel
    {
        let count = 240
        let jerks = 4.0 * Double.random(in: 0..<1, using: &random)
        let noise = 0.15 + 0.85 * Double.random(in: 0..<1, using: &random)
        let pull = 0.1 * Double.random(in: 0..<1, using: &random)
        let inertia = 0.9 + 0.09 * Double.random(in: 0..<1, using: &random)
        func direction(_ random: inout some RandomNumberGenerator) -> SIMD3<Double> {
            SIMD3(
                normal(using: &random), normal(using: &random), 0.5 * normal(using: &random))
        }
        var velocity = direction(&random)
        var position = SIMD3<Double>()
        var path: [SIMD3<Double>] = []
        for _ in 0..<count {
            path.append(position)
            var force = noise * direction(&random) - pull * position
            if Double.random(in: 0..<1, using: &random) < jerks / Double(count) {
                force += 12 * direction(&random)
            }
            velocity = inertia * velocity + (1 - inertia) * force
            position += velocity
        }
        // The path is brought to unit size before it is projected, with the lens three units off.
        let size = path.reduce(0) { max($0, abs($1.x), abs($1.y), abs($1.z)) }
        let flat = path.map { point -> (x: Double, y: Double) in
            let p = point / max(size, 1e-9)
            return (p.x / (1 + p.z / 3), p.y / (1 + p.z / 3))
        }
        return BlurKernel(points: scaled(flat, to: extent))
    }

    /// Straight motion at constant speed.
    public static func linear(length: Double, angle: Double) -> BlurKernel {
        arc(length: length, angle: angle, turn: 0)
    }

    /// Motion along an arc, as a turning camera or subject gives it at a place away from the axis.
    ///
    /// - Parameters:
    ///   - length: of the arc in pixels.
    ///   - angle: direction at its middle, radians.
    ///   - turn: how far the direction turns from end to end, radians.
    public static func arc(length: Double, angle: Double, turn: Double) -> BlurKernel {
        guard length > 0 else { return .identity }
        // Eight points a pixel, each the middle of its piece.
        let count = max(1, Int((length * 8).rounded(.up)))
        return BlurKernel(
            points: (0..<count).map { index in
                let s = (Double(index) + 0.5) / Double(count) - 0.5
                let (x, y): (Double, Double)
                if abs(turn) < 1e-6 {
                    (x, y) = (s * length, 0)
                } else {
                    let radius = length / turn
                    (x, y) = (radius * sin(s * turn), radius * (1 - cos(s * turn)))
                }
                return (x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle), 1)
            })
    }

    // MARK: lens

    /// A lens out of focus: a uniform disc.
    public static func defocus(radius: Double) -> BlurKernel {
        guard radius > 0 else { return .identity }
        let step = 1.0 / 8
        let reach = Int((radius / step).rounded(.up))
        var points: [(x: Double, y: Double, weight: Double)] = []
        for row in -reach...reach {
            for column in -reach...reach {
                let (x, y) = (Double(column) * step, Double(row) * step)
                if x * x + y * y <= radius * radius { points.append((x, y, 1)) }
            }
        }
        return BlurKernel(points: points)
    }

    /// A Gaussian, cut at three standard deviations.
    public static func gaussian(sigma: Double) -> BlurKernel {
        gaussian(sigma: sigma, across: sigma, angle: 0)
    }

    /// A Gaussian of two standard deviations in pixels, the first along `angle` (radians from the
    /// x axis), cut at three of the larger.
    public static func gaussian(sigma: Double, across: Double, angle: Double) -> BlurKernel {
        guard min(sigma, across) > 0 else { return .identity }
        let reach = max(1, Int((3 * max(sigma, across)).rounded(.up)))
        var points: [(x: Double, y: Double, weight: Double)] = []
        for row in -reach...reach {
            for column in -reach...reach {
                let (x, y) = (Double(column), Double(row))
                let u = (x * cos(angle) + y * sin(angle)) / sigma
                let v = (y * cos(angle) - x * sin(angle)) / across
                points.append((x, y, exp(-(u * u + v * v) / 2)))
            }
        }
        return BlurKernel(points: points)
    }

    /// Turned or mirrored.
    ///
    /// - Parameter pose: 0…7. Bit 0: rows and columns exchanged; bit 1: upside down; bit 2: mirrored.
    public func posed(_ pose: Int) -> BlurKernel {
        let turned = (0..<(side * side)).map { index in
            var (row, column) = (index / side, index % side)
            if pose & 1 != 0 { (row, column) = (column, row) }
            if pose & 2 != 0 { row = side - 1 - row }
            if pose & 4 != 0 { column = side - 1 - column }
            return values[row * side + column]
        }
        return BlurKernel(stored: side, values: turned)
    }

    /// The cosine between the values of two kernels, their middles on one another: 1 for the same kernel, 0 for kernels
    /// that share no pixel.
    public func cosine(with other: BlurKernel) -> Double {
        let reach = min(side, other.side) / 2
        func row(_ kernel: BlurKernel, _ offset: Int) -> ArraySlice<Float> {
            let middle = kernel.side / 2
            let first = (middle + offset) * kernel.side + middle - reach
            return kernel.values[first...first + 2 * reach]
        }
        let shared = (-reach...reach).reduce(0.0) { sum, offset in
            zip(row(self, offset), row(other, offset)).reduce(sum) { $0 + Double($1.0) * Double($1.1) }
        }
        return shared / (power * other.power).squareRoot()
    }

    private var power: Double { values.reduce(0) { $0 + Double($1) * Double($1) } }

    // MARK: helpers

    private static func normal(using random: inout some RandomNumberGenerator) -> Double {
        let u = 1 - Double.random(in: 0..<1, using: &random)
        return (-2 * log(u)).squareRoot() * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }

    private static func scaled(_ path: [(x: Double, y: Double)], to extent: Double)
        -> [(x: Double, y: Double, weight: Double)]
    {
        let (xs, ys) = (path.map(\.x), path.map(\.y))
        let size = max((xs.max() ?? 0) - (xs.min() ?? 0), (ys.max() ?? 0) - (ys.min() ?? 0))
        guard size > 0, extent > 0 else { return [(0, 0, 1)] }
        return path.map { ($0.x / size * extent, $0.y / size * extent, 1) }
    }
}
