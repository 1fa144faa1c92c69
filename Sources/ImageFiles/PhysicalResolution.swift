/// How many pixels there are along a physical length (PNG pHYs, JFIF density).
public struct PhysicalResolution: Sendable, Equatable {
    public enum Unit: String, Sendable {
        /// Only the ratio of `x` to `y` has a meaning: the pixels' aspect.
        case none
        case metre
        case inch
        case centimetre
    }

    /// Pixels per unit along a row, at least 1.
    public var x: UInt32
    /// Pixels per unit down a column, at least 1.
    public var y: UInt32
    public var unit: Unit

    public init(x: UInt32, y: UInt32, unit: Unit) {
        self.x = x
        self.y = y
        self.unit = unit
    }

    private static func metres(per unit: Unit) -> Double? {
        switch unit {
        case .none: nil
        case .metre: 1
        case .inch: 0.0254
        case .centimetre: 0.01
        }
    }

    /// The same resolution in another unit, rounded to whole pixels; nil when one of the
    /// units is `none` and the other is not, or when a value leaves 1...`maximum`.
    func converted(to target: Unit, maximum: UInt32 = .max) -> PhysicalResolution? {
        var factor = 1.0
        if target != unit {
            guard let from = Self.metres(per: unit), let to = Self.metres(per: target)
            else { return nil }
            factor = to / from
        }
        let x = (Double(x) * factor).rounded()
        let y = (Double(y) * factor).rounded()
        let range = 1...Double(maximum)
        guard range.contains(x), range.contains(y) else { return nil }
        return PhysicalResolution(x: UInt32(x), y: UInt32(y), unit: target)
    }

    /// As PNG can hold it: per metre, or a bare ratio.
    var forPNG: PhysicalResolution? {
        converted(to: unit == .none ? .none : .metre, maximum: UInt32(Int32.max))
    }

    /// As JFIF can hold it: 16-bit numbers per inch or per centimetre, or a bare ratio.
    ///
    /// Pixels per metre are nearly always whole pixels per inch, rounded by a PNG writer;
    /// per inch is therefore tried first.
    var forJPEG: PhysicalResolution? {
        switch unit {
        case .none, .inch, .centimetre: converted(to: unit, maximum: 65535)
        case .metre: converted(to: .inch, maximum: 65535)
        }
    }

    /// Rows and columns swapped, as after a quarter turn.
    var transposed: PhysicalResolution { PhysicalResolution(x: y, y: x, unit: unit) }
}
