import Foundation
import Yams

extension Node {
    /// Whether the text says nothing of its type, quotes aside.
    var hasNoTag: Bool {
        let tag =
            switch self {
            case .scalar(let scalar): scalar.tag
            case .mapping(let mapping): mapping.tag
            case .sequence(let sequence): sequence.tag
            case .alias(let alias): alias.tag
            }
        return [Tag.Name.implicit.rawValue, Tag.Name.str.rawValue].contains(tag.rawValue)
    }

    var isNull: Bool { null != nil }

    /// A number of digits, sign, point and exponent; Yams would read `1:30` and `1_0` as well.
    var number: Double? { isDecimal ? float : nil }

    /// A whole number that is not negative.
    var whole: UInt64? {
        guard isDecimal, let text = scalar?.string, !(text.count > 1 && text.hasPrefix("0")) else {
            return nil
        }
        return scalar.flatMap(UInt64.construct)
    }

    private var isDecimal: Bool {
        guard let text = scalar?.string, text.count <= 40 else { return false }
        return text.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "+-.eE".utf8.contains($0)
        }
    }
}

extension Node.Mapping {
    /// The value of a key that is text.
    func value(_ key: String) -> Node? { first { $0.key.scalar?.string == key }?.value }
}
