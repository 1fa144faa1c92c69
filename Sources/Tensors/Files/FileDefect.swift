/// What a parser found wrong, before anyone has said in which file.
struct FileDefect: Error {
    let kind: TensorFileError.Kind
    /// What is wrong, without capital or full stop: "its header is not UTF-8".
    let reason: String

    static func malformed(_ reason: String) -> FileDefect {
        FileDefect(kind: .malformed, reason: reason)
    }

    static func unsupported(_ reason: String) -> FileDefect {
        FileDefect(kind: .unsupported, reason: reason)
    }
}

/// The text in single quotes, fit for a terminal: control characters are written as
/// escapes, and no more than `limit` characters of it are kept.
func quoted(_ text: String, limit: Int = 80) -> String {
    var result = "'"
    for (count, scalar) in text.unicodeScalars.enumerated() {
        guard count < limit else {
            result += "…"
            break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default:
            result.unicodeScalars.append(scalar)
        }
    }
    return result + "'"
}
