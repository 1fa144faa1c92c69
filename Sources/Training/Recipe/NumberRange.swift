/// Which real numbers are allowed; never infinities or NaN.
struct NumberRange: Sendable {
    enum Bound: Sendable {
        case none
        case including(Double)
        case excluding(Double)
    }

    var low: Bound
    var high: Bound

    static func from(_ low: Double, to high: Double) -> NumberRange {
        NumberRange(low: .including(low), high: .including(high))
    }

    static func above(_ low: Double, to high: Double) -> NumberRange {
        NumberRange(low: .excluding(low), high: .including(high))
    }

    static func from(_ low: Double, below high: Double) -> NumberRange {
        NumberRange(low: .including(low), high: .excluding(high))
    }

    static func above(_ low: Double, below high: Double) -> NumberRange {
        NumberRange(low: .excluding(low), high: .excluding(high))
    }

    static func from(_ low: Double) -> NumberRange { NumberRange(low: .including(low), high: .none) }
    static func above(_ low: Double) -> NumberRange { NumberRange(low: .excluding(low), high: .none) }

    func contains(_ value: Double) -> Bool {
        guard value.isFinite else { return false }
        let isHigh =
            switch low {
            case .none: true
            case .including(let bound): value >= bound
            case .excluding(let bound): value > bound
            }
        let isLow =
            switch high {
            case .none: true
            case .including(let bound): value <= bound
            case .excluding(let bound): value < bound
            }
        return isHigh && isLow
    }

    /// "from 0 to 1", "above 0", "from 0 and below 1".
    var phrase: String {
        func text(_ value: Double) -> String { JSONText.number(value).line }
        switch (low, high) {
        case (.none, .none): return "of any size"
        case (.including(let low), .none): return "of at least \(text(low))"
        case (.excluding(let low), .none): return "above \(text(low))"
        case (.none, .including(let high)): return "of at most \(text(high))"
        case (.none, .excluding(let high)): return "below \(text(high))"
        case (.including(let low), .including(let high)): return "from \(text(low)) to \(text(high))"
        case (.including(let low), .excluding(let high)): return "from \(text(low)) and below \(text(high))"
        case (.excluding(let low), .including(let high)): return "above \(text(low)) and up to \(text(high))"
        case (.excluding(let low), .excluding(let high)): return "above \(text(low)) and below \(text(high))"
        }
    }
}
