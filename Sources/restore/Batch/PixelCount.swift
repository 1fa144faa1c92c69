import ArgumentParser
import Foundation

/// A number of pixels as people write it: 250000, 400M, 1.5G.
struct PixelCount: ExpressibleByArgument, CustomStringConvertible {
    let value: Int

    init(_ value: Int) { self.value = value }

    init?(argument: String) {
        let factors = ["k": 1e3, "m": 1e6, "g": 1e9]
        let factor = argument.last.flatMap { factors[$0.lowercased()] }
        let digits = factor == nil ? argument : String(argument.dropLast())
        guard let number = Double(digits), let count = Int(exactly: (number * (factor ?? 1)).rounded()),
            count >= 1
        else { return nil }
        value = count
    }

    var description: String {
        for (unit, factor) in [("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000)]
        where value % factor == 0 { return "\(value / factor)\(unit)" }
        return String(value)
    }

    var defaultValueDescription: String { description }
}
