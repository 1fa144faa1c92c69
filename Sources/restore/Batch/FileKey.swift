import Glibc

/// A file's canonical name, equal for all spellings of one place and also for one that does not
/// exist yet. Bytes, not text: Swift holds "é" in its two encodings for equal, a file system does not.
struct FileKey: Hashable {
    private let bytes: [UInt8]

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Links are followed as far as the path exists; the rest is taken as it is spelled.
    init(_ path: String) {
        if let known = Self.resolved(path) {
            bytes = known
            return
        }
        var (folder, rest) = Self.split(path)
        var names = [rest]
        while Self.resolved(folder) == nil, folder != ".", folder != "/" {
            (folder, rest) = Self.split(folder)
            names.append(rest)
        }
        var text = Self.resolved(folder) ?? Array(folder.utf8)
        for name in names.reversed() where !name.isEmpty && name != "." {
            if text.last != UInt8(ascii: "/") { text.append(UInt8(ascii: "/")) }
            text += Array(name.utf8)
        }
        bytes = text
    }

    /// The same without what follows the last point of the name, if anything stands before it.
    var withoutEnding: FileKey {
        let start = (bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
        guard let point = bytes.lastIndex(of: UInt8(ascii: ".")), point > start else { return self }
        return FileKey(Array(bytes[..<point]))
    }

    private static func resolved(_ path: String) -> [UInt8]? {
        guard let name = realpath(path, nil) else { return nil }
        defer { free(name) }
        return Array(UnsafeBufferPointer(start: name, count: strlen(name))).map(UInt8.init(bitPattern:))
    }

    /// Folder and last name, so that the folder gets shorter every time.
    private static func split(_ path: String) -> (folder: String, name: String) {
        var path = Substring(path)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return (".", String(path)) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }
}
