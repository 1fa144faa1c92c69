import Foundation
import ImageFiles
import Tensors

/// Pictures drawn by formula: discs, boxes and stripes with hard edges over colour gradients. Hard
/// edges are what bicubic enlargement blurs, so a network has something to learn from them.
enum RenderedPictures {
    private struct Shape {
        let kind: Int
        let x, y, size, angle, period: Double
        let color: [Double]

        /// Whether a point lies in the shape.
        func covers(_ px: Double, _ py: Double) -> Bool {
            let u = (px - x) * cos(angle) + (py - y) * sin(angle)
            let v = (py - y) * cos(angle) - (px - x) * sin(angle)
            switch kind {
            case 0: return u * u + v * v < size * size
            case 1: return abs(u) < size && abs(v) < size * 0.6
            default:
                return u * u + v * v < size * size * 2 && (u / period - (u / period).rounded(.down)) < 0.5
            }
        }
    }

    /// One picture of side×side pixels.
    static func picture(_ number: Int, side: Int = 128) throws -> Image {
        var random = CounterStream(seed: 77, stream: UInt64(number))
        func between(_ low: Double, _ high: Double) -> Double { low + (high - low) * random.uniform() }
        func color() -> [Double] { (0..<3).map { _ in between(0, 255) } }
        let corners = (0..<3).map { _ in color() }
        let shapes = (0..<24).map { _ in
            Shape(
                kind: Int(between(0, 3)), x: between(0, Double(side)), y: between(0, Double(side)),
                size: between(5, 26), angle: between(0, .pi), period: between(8, 20), color: color())
        }
        var samples: [UInt16] = []
        samples.reserveCapacity(side * side * 3)
        for y in 0..<side {
            for x in 0..<side {
                // Four points a pixel: edges as a camera sees them.
                var sum = [0.0, 0.0, 0.0]
                for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                    let (px, py) = (Double(x) + dx, Double(y) + dy)
                    let top = shapes.last { $0.covers(px, py) }
                    let (u, v) = (px / Double(side), py / Double(side))
                    for c in 0..<3 {
                        sum[c] +=
                            top?.color[c] ?? corners[0][c] * (1 - u) * (1 - v) + corners[1][c] * u + corners[
                                2][c]
                            * v * (1 - u)
                    }
                }
                samples += sum.map { UInt16(min(255, max(0, ($0 / 4).rounded()))) }
            }
        }
        return try Image(width: side, height: side, channels: 3, bitDepth: 8, samples: samples)
    }

    /// Writes pictures 0 ..< count as PNG files.
    static func write(_ count: Int, to folder: TestFolder, under name: String) throws {
        for number in 0..<count {
            try picture(number).write(to: folder.file(String(format: "\(name)/%03d.png", number)))
        }
    }
}
