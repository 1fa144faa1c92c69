/// What may stand at one place of a recipe.
indirect enum ValueRule: Sendable {
    case text(TextRule)
    case boolean
    case integer(ClosedRange<UInt64>, multipleOf: UInt64 = 1)
    /// One of a few whole numbers.
    case size([Int])
    case number(NumberRange)
    case name([String])
    /// `[low, high]`, both within a range.
    case interval(ClosedRange<Double>)
    case list(ValueRule, count: ClosedRange<Int>)
    case mapping(MappingRule)
    /// A mapping with a shorter way to write it.
    case shorthand(TextRule, MappingRule)

    /// What a value must be, as in "must be PHRASE".
    var phrase: String {
        func number(_ value: Double) -> String { JSONText.number(value).line }
        switch self {
        case .text(let rule): return rule.phrase
        case .boolean: return "true or false"
        case .integer(let range, let factor):
            if range.lowerBound == range.upperBound { return "\(range.lowerBound)" }
            let size =
                range.upperBound == .max
                ? "from \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            return "a whole number \(size)" + (factor > 1 ? ", a multiple of \(factor)" : "")
        case .size(let values): return values.map(String.init).alternatives
        case .number(let range): return "a number \(range.phrase)"
        case .name(let names): return names.alternatives
        case .interval(let range):
            return "[low, high] within \(number(range.lowerBound)) to \(number(range.upperBound))"
        case .list(_, let count):
            return count.lowerBound > 0
                ? "a list of \(count.lowerBound) to \(count.upperBound) values" : "a list"
        case .mapping(let rule): return "a mapping of \(rule.fields.map(\.name).alternatives)"
        case .shorthand(let text, let rule):
            return "\(text.phrase), or a mapping of \(rule.fields.map(\.name).alternatives)"
        }
    }

    /// The keys below, where there are any.
    var mapping: MappingRule? {
        switch self {
        case .mapping(let rule), .shorthand(_, let rule): rule
        case .list(let element, _): element.mapping
        default: nil
        }
    }
}

extension [String] {
    /// "a, b or c".
    var alternatives: String {
        count < 2 ? joined() : dropLast().joined(separator: ", ") + " or " + self[count - 1]
    }
}
