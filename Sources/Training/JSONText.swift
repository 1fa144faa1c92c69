import Foundation

/// A JSON value to be written, with its keys in the order given.
enum JSONText: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    /// Larger than `Int` holds.
    case unsigned(UInt64)
    /// A number that is not finite has no JSON and is written as null.
    case number(Double)
    case string(String)
    case array([JSONText])
    case object([(key: String, value: JSONText)])

    /// On one line, without spaces.
    var line: String {
        var text = ""
        write(to: &text, indent: nil)
        return text
    }

    /// Over several lines; arrays of numbers and strings stay on one.
    var page: String {
        var text = ""
        write(to: &text, indent: 0)
        return text + "\n"
    }

    private var isSmall: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    private func write(to text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .unsigned(let value): text += "\(value)"
        case .number(let value): text += Self.digits(value)
        case .string(let value): Self.write(value, to: &text)
        case .array(let values):
            let inner = values.allSatisfy(\.isSmall) ? nil : indent
            let separator = indent == nil ? "," : ", "
            Self.write(values, "[", "]", separator, to: &text, indent: inner) { value, text, indent in
                value.write(to: &text, indent: indent)
            }
        case .object(let pairs):
            Self.write(pairs, "{", "}", ",", to: &text, indent: indent) { pair, text, indent in
                Self.write(pair.key, to: &text)
                text += indent == nil ? ":" : ": "
                pair.value.write(to: &text, indent: indent)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], _ open: String, _ close: String, _ separator: String, to text: inout String,
        indent: Int?, _ one: (Element, inout String, Int?) -> Void
    ) {
        func newLine(_ depth: Int) -> String { "\n" + String(repeating: " ", count: 2 * depth) }
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += indent == nil ? separator : "," }
            if let indent { text += newLine(indent + 1) }
            one(element, &text, indent.map { $0 + 1 })
        }
        if let indent, !elements.isEmpty { text += newLine(indent) }
        text += close
    }

    private static func digits(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        return Int(exactly: value).map { abs($0) < 1 << 53 ? "\($0)" : "\(value)" } ?? "\(value)"
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20: text += String(format: "\\u%04x", scalar.value)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
