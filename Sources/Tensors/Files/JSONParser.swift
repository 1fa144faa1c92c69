/// A strict JSON (RFC 8259) parser for headers from strangers.
///
/// Beyond the grammar it refuses a repeated key, a whole number that does not fit in an
/// `Int`, nesting deeper than 16, and more than four million values.
struct JSONParser {
    static let maximumDepth = 16
    static let maximumValueCount = 1 << 22

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var valueCount = 0

    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Parses the one JSON value that fills `bytes`, white space around it aside.
    ///
    /// - Throws: a `.malformed` defect saying what is wrong and at which byte.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(FileDefect) -> JSONValue {
        var parser = JSONParser(bytes)
        let value = try parser.value(depth: 0)
        parser.skipWhiteSpace()
        guard parser.position == bytes.count else { throw parser.defect("text after the end") }
        return value
    }

    private func defect(_ what: String) -> FileDefect {
        .malformed("its header is not valid JSON (\(what) at byte \(position) of the header)")
    }

    private var next: UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func skipWhiteSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    /// Steps over an ASCII character if it comes next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func take(word: StaticString) throws(FileDefect) {
        for index in 0..<word.utf8CodeUnitCount {
            guard next == word.utf8Start[index] else { throw defect("an unknown word") }
            position += 1
        }
    }

    private mutating func value(depth: Int) throws(FileDefect) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw defect("too deep a nesting") }
        valueCount += 1
        guard valueCount <= Self.maximumValueCount else { throw defect("too many values") }
        skipWhiteSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try take(word: "true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try take(word: "false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try take(word: "null")
            return .null
        case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte):
            return try number()
        case nil: throw defect("an early end")
        default: throw defect("an unexpected character")
        }
    }

    private mutating func object(depth: Int) throws(FileDefect) -> [String: JSONValue] {
        position += 1
        var members: [String: JSONValue] = [:]
        skipWhiteSpace()
        if take("}") { return members }
        while true {
            skipWhiteSpace()
            guard next == UInt8(ascii: "\"") else { throw defect("a missing key") }
            let key = try string()
            guard members[key] == nil else {
                throw .malformed("its header has \(quoted(key)) twice")
            }
            skipWhiteSpace()
            guard take(":") else { throw defect("a missing colon") }
            members[key] = try value(depth: depth + 1)
            skipWhiteSpace()
            if take("}") { return members }
            guard take(",") else { throw defect("a missing comma") }
        }
    }

    private mutating func array(depth: Int) throws(FileDefect) -> [JSONValue] {
        position += 1
        var items: [JSONValue] = []
        skipWhiteSpace()
        if take("]") { return items }
        while true {
            items.append(try value(depth: depth + 1))
            skipWhiteSpace()
            if take("]") { return items }
            guard take(",") else { throw defect("a missing comma") }
        }
    }

    private mutating func digits() throws(FileDefect) -> Range<Int> {
        let start = position
        while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
        guard position > start else { throw defect("a missing digit") }
        return start..<position
    }

    private mutating func number() throws(FileDefect) -> JSONValue {
        let start = position
        let isNegative = take("-")
        let whole = try digits()
        guard whole.count == 1 || bytes[whole.lowerBound] != 0x30 else {
            throw defect("a leading zero")
        }
        var isWhole = true
        if take(".") {
            isWhole = false
            _ = try digits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            _ = try digits()
        }
        guard isWhole else { return .real }
        var magnitude = 0
        for index in whole {
            let (tenfold, overflowed) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, spilled) = tenfold.addingReportingOverflow(Int(bytes[index]) - 0x30)
            guard !overflowed, !spilled else {
                position = start
                throw defect("a number too large")
            }
            magnitude = sum
        }
        return .integer(isNegative ? -magnitude : magnitude)
    }

    private mutating func string() throws(FileDefect) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw defect("text that is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &text)
            case 0..<0x20:
                throw defect("a control character in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw defect("an unfinished string")
    }

    private mutating func escape(into text: inout [UInt8]) throws(FileDefect) {
        guard let letter = next else { throw defect("an unfinished string") }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourHexDigits()
            if (0xD800...0xDBFF).contains(code) {
                guard take("\\"), take("u") else { throw defect("half of a surrogate pair") }
                let low = try fourHexDigits()
                guard (0xDC00...0xDFFF).contains(low) else {
                    throw defect("half of a surrogate pair")
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw defect("half of a surrogate pair")
            }
            text.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
        default: throw defect("an unknown escape")
        }
    }

    private mutating func fourHexDigits() throws(FileDefect) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw defect("a bad escape")
            }
            position += 1
            code = code << 4 | UInt32(digit)
        }
        return code
    }
}
