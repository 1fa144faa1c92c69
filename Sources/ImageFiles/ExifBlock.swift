/// The few fields of an EXIF block that must follow what is done to the pixels.
///
/// EXIF is a TIFF structure: a header with the byte order, then directories ("IFDs") of
/// twelve-byte entries. Only values are changed in place, so nothing moves and everything
/// unknown stays as it was. Every offset comes from the file and is checked.
struct ExifBlock {
    private(set) var bytes: [UInt8]
    private let isLittleEndian: Bool

    private static let orientationTag = 0x0112
    private static let imageWidthTag = 0x0100
    private static let imageLengthTag = 0x0101
    private static let exifDirectoryTag = 0x8769
    private static let pixelWidthTag = 0xA002
    private static let pixelHeightTag = 0xA003
    private static let shortType = 3
    private static let longType = 4

    /// Nil when the bytes are no TIFF structure.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 8 else { return nil }
        if bytes[..<4].elementsEqual([0x49, 0x49, 42, 0]) {
            isLittleEndian = true
        } else if bytes[..<4].elementsEqual([0x4D, 0x4D, 0, 42]) {
            isLittleEndian = false
        } else {
            return nil
        }
        self.bytes = bytes
    }

    /// The orientation; nil when there is none, or none of 1...8.
    var orientation: Orientation? {
        guard let entry = entry(Self.orientationTag, inDirectoryAt: firstDirectory),
            let value = value(ofEntryAt: entry)
        else { return nil }
        return Orientation(rawValue: value)
    }

    /// Says that the pixels are upright.
    ///
    /// The thumbnail is not turned with the pixels, so it is unlinked: its directory is the
    /// one after the first.
    mutating func resetOrientation() {
        guard let directory = firstDirectory,
            let entry = entry(Self.orientationTag, inDirectoryAt: directory)
        else { return }
        setValue(1, ofEntryAt: entry)
        if let count = number(at: directory, size: 2) {
            setNumber(0, at: directory + 2 + 12 * count, size: 4)
        }
    }

    /// Writes the picture's size where the block states one.
    mutating func setPixelSize(width: Int, height: Int) {
        let exifDirectory = entry(Self.exifDirectoryTag, inDirectoryAt: firstDirectory)
            .flatMap { value(ofEntryAt: $0) }
        for (tag, directory, value) in [
            (Self.imageWidthTag, firstDirectory, width),
            (Self.imageLengthTag, firstDirectory, height),
            (Self.pixelWidthTag, exifDirectory, width),
            (Self.pixelHeightTag, exifDirectory, height),
        ] {
            if let entry = entry(tag, inDirectoryAt: directory) {
                setValue(value, ofEntryAt: entry)
            }
        }
    }

    private var firstDirectory: Int? { number(at: 4, size: 4) }

    private func entry(_ tag: Int, inDirectoryAt directory: Int?) -> Int? {
        guard let directory, let count = number(at: directory, size: 2) else { return nil }
        for index in 0..<count {
            let entry = directory + 2 + 12 * index
            guard let found = number(at: entry, size: 2) else { return nil }
            if found == tag { return entry }
        }
        return nil
    }

    private func size(ofEntryAt entry: Int) -> Int? {
        switch number(at: entry + 2, size: 2) {
        case Self.shortType: 2
        case Self.longType: 4
        default: nil
        }
    }

    private func value(ofEntryAt entry: Int) -> Int? {
        size(ofEntryAt: entry).flatMap { number(at: entry + 8, size: $0) }
    }

    /// A number too large for its type gets the larger one: an entry has room for both.
    private mutating func setValue(_ value: Int, ofEntryAt entry: Int) {
        guard var size = size(ofEntryAt: entry), (0..<1 << 32).contains(value) else { return }
        if value >= 1 << 16, size == 2 {
            setNumber(Self.longType, at: entry + 2, size: 2)
            size = 4
        }
        setNumber(value, at: entry + 8, size: size)
    }

    private func number(at offset: Int, size: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        let field = bytes[offset..<offset + size]
        return isLittleEndian
            ? field.reversed().reduce(0) { $0 << 8 | Int($1) }
            : field.reduce(0) { $0 << 8 | Int($1) }
    }

    private mutating func setNumber(_ value: Int, at offset: Int, size: Int) {
        guard offset >= 0, offset <= bytes.count - size else { return }
        for index in 0..<size {
            let shift = 8 * (isLittleEndian ? index : size - 1 - index)
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }
}
