/// A JSON value, as far as a safetensors header needs it.
enum JSONValue {
    case null
    case bool(Bool)
    /// A number without fraction or exponent that fits in an `Int`.
    case integer(Int)
    /// Any other number; no header has a use for its value.
    case real
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}
