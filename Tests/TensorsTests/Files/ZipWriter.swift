/// Puts a zip archive of stored entries together, as PyTorch lays it out.
struct ZipWriter {
    /// Marks of an archive to be got wrong on purpose.
    var method: UInt16 = 0
    var flags: UInt16 = 0
    var disk: UInt16 = 0
    /// Whether sizes and places are given in 64 bits, as in archives over 4 GB.
    var isLarge = false

    private var entries: [(name: String, bytes: [UInt8])] = []

    mutating func add(_ name: String, _ bytes: [UInt8]) {
        entries.append((name, bytes))
    }

    /// A checkpoint with the pickle and one storage, `0`, of the floats 0 to 3.
    static func checkpoint(
        pickle: [UInt8] = PickleWriter.stateDictionary(), folder: String = "archive",
        storage: [UInt8] = littleEndianBytes([0, 1, 2, 3] as [Float])
    ) -> ZipWriter {
        var zip = ZipWriter()
        zip.add(folder + "/data.pkl", pickle)
        zip.add(folder + "/data/0", storage)
        zip.add(folder + "/version", Array("3\n".utf8))
        return zip
    }

    func bytes() -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in entries {
            let place = archive.count
            let size = littleEndianBytes([UInt32(bytes.count)])
            let name = Array(name.utf8)
            let nameLength = littleEndianBytes([UInt16(name.count)])
            let common =
                littleEndianBytes([flags, method, 0, 0]) + [0, 0, 0, 0] + size + size + nameLength
            archive +=
                littleEndianBytes([0x0403_4B50 as UInt32]) + [20, 0] + common + [0, 0] + name
            archive += bytes
            if isLarge {
                let mark = [UInt8](repeating: 255, count: 4)
                directory += littleEndianBytes([0x0201_4B50 as UInt32]) + [45, 0, 45, 0]
                directory += littleEndianBytes([flags, method, 0, 0]) + [0, 0, 0, 0] + mark + mark
                directory += nameLength + [28, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + mark
                directory += name + littleEndianBytes([1, 24] as [UInt16])
                directory += littleEndianBytes([bytes.count, bytes.count, place])
            } else {
                directory += littleEndianBytes([0x0201_4B50 as UInt32]) + [20, 0, 20, 0] + common
                directory += [UInt8](repeating: 0, count: 12) + littleEndianBytes([UInt32(place)])
                directory += name
            }
        }
        let start = archive.count
        archive += directory
        if isLarge {
            let end = archive.count
            archive += littleEndianBytes([0x0606_4B50 as UInt32]) + littleEndianBytes([44])
            archive += [45, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
            archive += littleEndianBytes([entries.count, entries.count, directory.count, start])
            archive += littleEndianBytes([0x0706_4B50, 0] as [UInt32]) + littleEndianBytes([end])
            archive += littleEndianBytes([1 as UInt32])
        }
        archive += littleEndianBytes([0x0605_4B50 as UInt32]) + littleEndianBytes([disk, disk])
        let count = isLarge ? UInt16.max : UInt16(entries.count)
        archive += littleEndianBytes([count, count])
        archive += littleEndianBytes([UInt32(directory.count), isLarge ? .max : UInt32(start)])
        return archive + [0, 0]
    }
}
