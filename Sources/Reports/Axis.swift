import Foundation

/// One axis of a chart: values to places, with better values farther along it.
struct Axis {
    private let low: Double
    private let high: Double
    private let start: Double
    private let end: Double

    /// - Parameters:
    ///   - start: place of the worst value; `end` that of the best.
    init(_ values: [Double], isHigherBetter: Bool, from start: Double, to end: Double) {
        let (smallest, largest) = (values.min() ?? 0, values.max() ?? 1)
        // Equal values still need a width.
        let width = largest > smallest ? largest - smallest : max(abs(largest) * 0.1, 1e-3)
        let middle = (smallest + largest) / 2
        (low, high) = (middle - width * 0.57, middle + width * 0.57)
        (self.start, self.end) = isHigherBetter ? (start, end) : (end, start)
    }

    func place(_ value: Double) -> Double { start + (value - low) / (high - low) * (end - start) }

    /// Round values inside the axis, four to nine of them, and the digits they need.
    var ticks: (values: [Double], digits: Int) {
        let rough = (high - low) / 6
        let power = pow(10, floor(log10(rough)))
        let step = power * ([1, 2, 5].first { $0 * power >= rough } ?? 10)
        let first = (low / step).rounded(.up)
        let values = stride(from: first, through: (high / step).rounded(.down), by: 1).map { $0 * step }
        return (values, max(0, Int(-floor(log10(step) + 1e-9))))
    }
}
