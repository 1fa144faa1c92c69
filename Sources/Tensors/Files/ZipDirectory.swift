/// The table of contents of a zip archive whose entries are stored without compression,
/// which is how PyTorch writes them; zip64 archives (over 4 GB) are read too.
///
/// Checksums are not verified: PyTorch can be told to leave them out.
struct ZipDirectory {
    /// The bytes of each entry, as places in the archive.
    let entries: [String: Range<Int>]

    /// - Parameter archive: the whole archive.
    /// - Throws: a `.malformed` or `.unsupported` defect; nothing in the archive is trusted.
    init(archive: UnsafeRawBufferPointer) throws(FileDefect) {
        let end = try End(archive: archive)
        // An entry takes at least 46 bytes, so a lying count ends the loop soon enough.
        var entries: [String: Range<Int>] = [:]
        var offset = end.directoryOffset
        for _ in 0..<end.entryCount {
            guard let entry = try Entry(archive: archive, at: offset) else {
                throw .malformed("its zip table of contents is damaged")
            }
            guard entries[entry.name] == nil else {
                throw .malformed("it has the zip entry \(quoted(entry.name)) twice")
            }
            entries[entry.name] = try entry.range(in: archive)
            offset = entry.nextOffset
        }
        self.entries = entries
    }

    /// The record at the end of the archive, with its zip64 form where that is in use.
    private struct End {
        let entryCount: Int
        let directoryOffset: Int

        init(archive: UnsafeRawBufferPointer) throws(FileDefect) {
            guard let place = Self.place(in: archive),
                let disk = archive.littleEndian(UInt16.self, at: place + 4),
                let count = archive.littleEndian(UInt16.self, at: place + 10),
                let offset = archive.littleEndian(UInt32.self, at: place + 16)
            else { throw .malformed("it is not a complete zip archive") }
            if count == .max || offset == .max,
                let large = try Self.zip64(before: place, in: archive)
            {
                (entryCount, directoryOffset) = large
                return
            }
            guard disk == 0 else { throw .unsupported("it is one part of a split zip archive") }
            entryCount = Int(count)
            directoryOffset = Int(offset)
        }

        /// The record is the last thing in the archive but for a comment of up to 65535 bytes.
        private static func place(in archive: UnsafeRawBufferPointer) -> Int? {
            var place = archive.count - 22
            let first = max(0, place - 0xFFFF)
            while place >= first {
                if archive.littleEndian(UInt32.self, at: place) == 0x0605_4B50,
                    let comment = archive.littleEndian(UInt16.self, at: place + 20),
                    place + 22 + Int(comment) == archive.count
                {
                    return place
                }
                place -= 1
            }
            return nil
        }

        private static func zip64(
            before place: Int, in archive: UnsafeRawBufferPointer
        ) throws(FileDefect) -> (Int, Int)? {
            guard archive.littleEndian(UInt32.self, at: place - 20) == 0x0706_4B50 else {
                return nil
            }
            guard let position = archive.littleEndian(UInt64.self, at: place - 12),
                let start = Int(exactly: position),
                archive.littleEndian(UInt32.self, at: start) == 0x0606_4B50,
                let large = archive.part(at: start, length: 56),
                let count = large.littleEndian(UInt64.self, at: 32).flatMap({ Int(exactly: $0) }),
                let offset = large.littleEndian(UInt64.self, at: 48).flatMap({ Int(exactly: $0) })
            else { throw .malformed("its zip table of contents is damaged") }
            return (count, offset)
        }
    }

    /// One line of the table of contents.
    private struct Entry {
        let name: String
        let nextOffset: Int
        private let method: UInt16
        private let flags: UInt16
        private let storedSize: Int
        private let size: Int
        private let headerOffset: Int

        /// Returns `nil` where no entry lies at the offset.
        init?(archive: UnsafeRawBufferPointer, at offset: Int) throws(FileDefect) {
            guard let fixed = archive.part(at: offset, length: 46),
                fixed.littleEndian(UInt32.self, at: 0) == 0x0201_4B50,
                let flags = fixed.littleEndian(UInt16.self, at: 8),
                let method = fixed.littleEndian(UInt16.self, at: 10),
                let storedSize = fixed.littleEndian(UInt32.self, at: 20),
                let size = fixed.littleEndian(UInt32.self, at: 24),
                let nameLength = fixed.littleEndian(UInt16.self, at: 28),
                let extraLength = fixed.littleEndian(UInt16.self, at: 30),
                let commentLength = fixed.littleEndian(UInt16.self, at: 32),
                let headerOffset = fixed.littleEndian(UInt32.self, at: 42),
                let nameBytes = archive.part(at: offset + 46, length: Int(nameLength)),
                let extra = archive.part(
                    at: offset + 46 + Int(nameLength), length: Int(extraLength))
            else { return nil }
            guard let name = String(validating: nameBytes, as: UTF8.self) else {
                throw .malformed("it has a zip entry whose name is not UTF-8")
            }
            self.name = name
            self.method = method
            self.flags = flags
            nextOffset = offset + 46 + Int(nameLength) + Int(extraLength) + Int(commentLength)
            var large = Zip64Fields(extra: extra)
            guard let size = large.resolve(size), let storedSize = large.resolve(storedSize),
                let headerOffset = large.resolve(headerOffset)
            else { return nil }
            self.size = size
            self.storedSize = storedSize
            self.headerOffset = headerOffset
        }

        /// Where the entry's bytes lie, after its own header.
        func range(in archive: UnsafeRawBufferPointer) throws(FileDefect) -> Range<Int> {
            guard flags & 1 == 0 else {
                throw .unsupported("its zip entry \(quoted(name)) is encrypted")
            }
            guard method == 0 else {
                throw .unsupported("its zip entry \(quoted(name)) is compressed")
            }
            guard size == storedSize, let header = archive.part(at: headerOffset, length: 30),
                header.littleEndian(UInt32.self, at: 0) == 0x0403_4B50,
                let nameLength = header.littleEndian(UInt16.self, at: 26),
                let extraLength = header.littleEndian(UInt16.self, at: 28)
            else { throw .malformed("its zip entry \(quoted(name)) is damaged") }
            let start = headerOffset + 30 + Int(nameLength) + Int(extraLength)
            guard archive.part(at: start, length: size) != nil else {
                throw .malformed("its zip entry \(quoted(name)) is cut short")
            }
            return start..<start + size
        }
    }

    /// The 64-bit numbers that stand in, in order, for those that did not fit in 32 bits.
    private struct Zip64Fields {
        private var rest = UnsafeRawBufferPointer(start: nil, count: 0)

        init(extra: UnsafeRawBufferPointer) {
            var offset = 0
            while let tag = extra.littleEndian(UInt16.self, at: offset),
                let length = extra.littleEndian(UInt16.self, at: offset + 2),
                let body = extra.part(at: offset + 4, length: Int(length))
            {
                if tag == 1 {
                    rest = body
                    return
                }
                offset += 4 + Int(length)
            }
        }

        /// The number itself, or the next 64-bit one where it is the mark for that.
        mutating func resolve(_ number: UInt32) -> Int? {
            guard number == .max else { return Int(number) }
            guard let large = rest.littleEndian(UInt64.self, at: 0),
                let remaining = rest.part(at: 8, length: rest.count - 8)
            else { return nil }
            rest = remaining
            return Int(exactly: large)
        }
    }
}
