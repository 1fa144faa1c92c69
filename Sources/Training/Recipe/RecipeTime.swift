/// Times as recipes write them: `9m`, `1h30m`, `45s`, `2d`.
enum RecipeTime {
    private static let units: [(name: Character, minutes: Double)] = [
        ("d", 1440), ("h", 60), ("m", 1), ("s", 1.0 / 60),
    ]

    /// For editors; it also lets the empty text pass.
    static let pattern = units.map { "([0-9]+(\\.[0-9]+)?\($0.name))?" }.joined()

    /// The longest time there is, in minutes: about 19 years.
    static let longest = 1e7

    /// Minutes, or nil for what is not a time.
    static func minutes(parsing text: String) -> Double? {
        var rest = Substring(text)
        var total = 0.0
        for unit in units {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard rest.dropFirst(digits.count).first == unit.name else { continue }
            guard digits.first?.isNumber == true, digits.last?.isNumber == true, let number = Double(digits)
            else { return nil }
            total += number * unit.minutes
            rest = rest.dropFirst(digits.count + 1)
        }
        return rest.isEmpty && total > 0 && total <= longest ? total : nil
    }
}
