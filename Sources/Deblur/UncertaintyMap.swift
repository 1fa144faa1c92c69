import Foundation
import ImageFiles
import Tensors

/// The standard deviation of samples as a picture: a heat map with its legend below.
public enum UncertaintyMap {
    /// - Parameter standardDeviation: 1×C×H×W in units of a [-1, 1] picture.
    /// - Returns: an RGB picture of at least the same width, and higher by the legend: a bar from 0
    ///   to the largest value in gray levels of 8 bits, rounded up to 1, 2 or 5 times a power of ten.
    public static func image(of standardDeviation: Tensor) throws -> Image {
        let shape = standardDeviation.shape
        guard shape.count == 4, shape[0] == 1 else {
            throw TensorError(
                operation: "uncertainty map", shapes: [shape], reason: "it is made of 1×C×H×W")
        }
        let (height, width) = (shape[2], shape[3])
        // Root mean square over the channels, in gray levels.
        let levels = try (standardDeviation.squared().mean([1]).squareRoot() * 127.5).floats()
        let top = roundedUp(Double(levels.max() ?? 0))
        var canvas = Canvas(width: max(width, 120), height: height + Self.legendHeight)
        for y in 0..<height {
            for x in 0..<width {
                canvas.set(x, y, color(Double(levels[y * width + x]) / top))
            }
        }
        let bar = (left: 8, right: canvas.width - 8, top: height + 6, bottom: height + 18)
        for y in bar.top..<bar.bottom {
            for x in bar.left..<bar.right {
                canvas.set(x, y, color(Double(x - bar.left) / Double(bar.right - bar.left - 1)))
            }
        }
        for part in [0, 0.5, 1.0] {
            canvas.write(
                label(part * top), centredAt: bar.left + Int(part * Double(bar.right - bar.left)),
                top: bar.bottom + 4)
        }
        return try Image(
            width: canvas.width, height: canvas.height, channels: 3, bitDepth: 8, samples: canvas.samples,
            metadata: ImageMetadata(pngTexts: [
                PNGText(
                    keyword: "Description",
                    text: "standard deviation of the samples, 0 to \(label(top)) gray levels of 255")
            ]))
    }

    static let legendHeight = 36

    /// The next of 1, 2, 5, 10, 20, …; at least 1.
    static func roundedUp(_ value: Double) -> Double {
        var power = 1.0
        while true {
            for digit in [1.0, 2, 5] where digit * power >= value { return digit * power }
            guard power < 1e6 else { return value }
            power *= 10
        }
    }

    private static func label(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(format: "%.1f", value)
    }

    /// Black through violet, red and orange to pale yellow: brightness rises all the way, so that
    /// the map also reads in gray. Stops after matplotlib's "inferno" (CC0).
    static func color(_ value: Double) -> (UInt16, UInt16, UInt16) {
        let stops: [(Double, Double, Double)] = [
            (0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164),
        ]
        let place = min(1, max(0, value.isFinite ? value : 0)) * Double(stops.count - 1)
        let index = min(stops.count - 2, Int(place))
        let part = place - Double(index)
        let (a, b) = (stops[index], stops[index + 1])
        func mixed(_ a: Double, _ b: Double) -> UInt16 { UInt16((a + (b - a) * part).rounded()) }
        return (mixed(a.0, b.0), mixed(a.1, b.1), mixed(a.2, b.2))
    }

    /// A black picture to draw on.
    private struct Canvas {
        let width: Int
        let height: Int
        var samples: [UInt16]

        init(width: Int, height: Int) {
            (self.width, self.height) = (width, height)
            samples = [UInt16](repeating: 0, count: width * height * 3)
        }

        mutating func set(_ x: Int, _ y: Int, _ color: (UInt16, UInt16, UInt16)) {
            guard (0..<width).contains(x), (0..<height).contains(y) else { return }
            let place = (y * width + x) * 3
            (samples[place], samples[place + 1], samples[place + 2]) = color
        }

        /// Digits of 6×10 pixels, kept inside the picture.
        mutating func write(_ text: String, centredAt middle: Int, top: Int) {
            let length = (text.count * 4 - 1) * 2
            let left = min(max(1, middle - length / 2), width - length - 1)
            for (index, character) in text.enumerated() {
                for (row, bits) in (Self.glyphs[character] ?? []).enumerated() {
                    for column in 0..<3 where bits & (4 >> column) != 0 {
                        let (x, y) = (left + index * 8 + column * 2, top + row * 2)
                        for place in 0..<4 { set(x + place % 2, y + place / 2, (230, 230, 230)) }
                    }
                }
            }
        }

        private static let glyphs: [Character: [Int]] = [
            "0": [7, 5, 5, 5, 7], "1": [2, 6, 2, 2, 7], "2": [7, 1, 7, 4, 7], "3": [7, 1, 7, 1, 7],
            "4": [5, 5, 7, 1, 1], "5": [7, 4, 7, 1, 7], "6": [7, 4, 7, 5, 7], "7": [7, 1, 1, 2, 2],
            "8": [7, 5, 7, 5, 7], "9": [7, 5, 7, 1, 7], ".": [0, 0, 0, 0, 2],
        ]
    }
}
