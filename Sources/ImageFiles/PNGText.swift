/// One text entry of a PNG file (tEXt, zTXt or iTXt).
public struct PNGText: Sendable, Equatable {
    /// What the text is, such as "Author"; PNG holds 1...79 Latin-1 characters.
    public var keyword: String
    public var text: String
    /// An RFC 3066 language tag, or empty.
    public var language: String
    /// The keyword in that language, or empty.
    public var translatedKeyword: String
    /// Whether the file holds the text compressed.
    public var isCompressed: Bool
    /// Whether the file holds the text as UTF-8 (iTXt) rather than Latin-1.
    public var isInternational: Bool

    /// A text entry. `isInternational` is only a wish to have iTXt where Latin-1 would do:
    /// text outside Latin-1, a language or a translated keyword make an entry iTXt anyway.
    public init(
        keyword: String, text: String, language: String = "", translatedKeyword: String = "",
        isCompressed: Bool = false, isInternational: Bool = false
    ) {
        self.keyword = keyword
        self.text = text
        self.language = language
        self.translatedKeyword = translatedKeyword
        self.isCompressed = isCompressed
        self.isInternational = isInternational
    }

    /// The string's Latin-1 bytes, zero-terminated; nil when it has other characters or
    /// zeros.
    static func latin1(_ string: String) -> [CChar]? {
        var bytes: [CChar] = []
        for scalar in string.unicodeScalars {
            guard scalar.value > 0, scalar.value < 256 else { return nil }
            bytes.append(CChar(bitPattern: UInt8(scalar.value)))
        }
        return bytes + [0]
    }

    /// The string whose Latin-1 bytes these are.
    static func string(latin1 bytes: some Sequence<UInt8>) -> String {
        var scalars = String.UnicodeScalarView()
        for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
        return String(scalars)
    }

    /// The keyword as PNG wants it, or nil when PNG cannot hold it: 1...79 printable
    /// Latin-1 characters, no space at either end and no two in a row.
    var encodedKeyword: [CChar]? {
        guard let bytes = Self.latin1(keyword), (2...80).contains(bytes.count),
            !keyword.hasPrefix(" "), !keyword.hasSuffix(" "), !keyword.contains("  "),
            keyword.unicodeScalars.allSatisfy({
                (32...126).contains($0.value) || (161...255).contains($0.value)
            })
        else { return nil }
        return bytes
    }
}
