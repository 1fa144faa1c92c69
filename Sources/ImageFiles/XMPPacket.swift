/// The few properties of an XMP packet that must follow what is done to the pixels.
///
/// A property stands in the XML as an attribute, `tiff:Orientation="6"`, or as an element,
/// `<tiff:Orientation>6</tiff:Orientation>`. Only those values are changed; all else stays
/// as it is, byte by byte.
struct XMPPacket {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Says that the pixels are upright, where the packet states an orientation.
    mutating func resetOrientation() {
        replaceNumbers(of: "tiff:Orientation", by: 1)
    }

    /// Writes the picture's size where the packet states one.
    mutating func setPixelSize(width: Int, height: Int) {
        for name in ["exif:PixelXDimension", "tiff:ImageWidth"] {
            replaceNumbers(of: name, by: width)
        }
        for name in ["exif:PixelYDimension", "tiff:ImageLength"] {
            replaceNumbers(of: name, by: height)
        }
    }

    /// Blanks the reference to the second part of a packet too long for one JPEG segment,
    /// and says whether there was one. Only the first part is read.
    mutating func removeExtensionReference() -> Bool {
        var isFound = false
        for value in values(of: "xmpNote:HasExtendedXMP").reversed() {
            isFound = true
            // As spaces, which mean nothing there.
            for index in value.whole { bytes[index] = UInt8(ascii: " ") }
        }
        return isFound
    }

    private mutating func replaceNumbers(of name: String, by number: Int) {
        for value in values(of: name).reversed()
        where !value.text.isEmpty && bytes[value.text].allSatisfy({ (48...57).contains($0) }) {
            bytes.replaceSubrange(value.text, with: Array(String(number).utf8))
        }
    }

    /// Where a property's value stands.
    private struct Value {
        /// The value alone.
        var text: Range<Int>
        /// The whole attribute or element.
        var whole: Range<Int>
    }

    /// Every value of a property, first to last.
    private func values(of name: String) -> [Value] {
        let name = Array(name.utf8)
        var values: [Value] = []
        var start = 0
        while let place = firstIndex(of: name, from: start) {
            start = place + name.count
            guard place > 0 else { continue }
            let value =
                bytes[place - 1] == UInt8(ascii: "<")
                ? element(named: name, at: place) : attribute(at: place, nameEnd: start)
            if let value {
                values.append(value)
                start = value.whole.upperBound
            }
        }
        return values
    }

    private func attribute(at place: Int, nameEnd: Int) -> Value? {
        guard isSpace(bytes[place - 1]) else { return nil }
        let equals = skippingSpaces(from: nameEnd)
        guard equals < bytes.count, bytes[equals] == UInt8(ascii: "=") else { return nil }
        let open = skippingSpaces(from: equals + 1)
        guard open < bytes.count, bytes[open] == UInt8(ascii: "\"") || bytes[open] == UInt8(ascii: "'"),
            let close = bytes[(open + 1)...].firstIndex(of: bytes[open])
        else { return nil }
        return Value(text: open + 1..<close, whole: place..<close + 1)
    }

    private func element(named name: [UInt8], at place: Int) -> Value? {
        let open = place + name.count
        guard open < bytes.count, bytes[open] == UInt8(ascii: ">") else { return nil }
        let end = Array("</".utf8) + name + Array(">".utf8)
        guard let close = bytes[open...].firstIndex(of: UInt8(ascii: "<")),
            bytes[close...].starts(with: end)
        else { return nil }
        let first = skippingSpaces(from: open + 1)
        let last = bytes[first..<close].lastIndex { !isSpace($0) }
        return Value(
            text: first..<(last.map { $0 + 1 } ?? first), whole: place - 1..<close + end.count)
    }

    private func firstIndex(of pattern: [UInt8], from start: Int) -> Int? {
        var start = start
        while let place = bytes[start...].firstIndex(of: pattern[0]) {
            if bytes[place...].starts(with: pattern) { return place }
            start = place + 1
        }
        return nil
    }

    private func skippingSpaces(from start: Int) -> Int {
        bytes[start...].firstIndex { !isSpace($0) } ?? bytes.count
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
