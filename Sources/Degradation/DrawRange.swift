/// A closed interval from which values are drawn uniformly; written `[low, high]`.
public struct DrawRange: Sendable, Codable, Equatable {
    public var low: Double
    public var high: Double

    public init(_ low: Double, _ high: Double) { (self.low, self.high) = (low, high) }

    public init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        low = try values.decode(Double.self)
        high = try values.decode(Double.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.unkeyedContainer()
        try values.encode(low)
        try values.encode(high)
    }

    func scaled(by factor: Double, upTo most: Double) -> DrawRange {
        DrawRange(min(most, low * factor), min(most, high * factor))
    }

    func draw(using random: inout some RandomNumberGenerator) -> Double {
        low + (high - low) * Double.random(in: 0..<1, using: &random)
    }

    /// - Throws: ``DegradationError`` naming the setting, unless `lowest` ≤ low ≤ high ≤ `highest`.
    func check(_ name: String, _ lowest: Double, _ highest: Double) throws {
        guard low >= lowest, high <= highest, low <= high else {
            throw DegradationError("\(name) must be [low, high] from \(lowest) to \(highest)")
        }
    }
}
