/// A file format images are written in.
public enum ImageFormat: String, CaseIterable, Sendable {
    case png
    case jpeg

    /// The format a file name's extension asks for, upper or lower case; nil when it is
    /// none of `png`, `jpg`, `jpeg`, `jpe`.
    public init?(path: String) {
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard let dot = name.lastIndex(of: ".") else { return nil }
        switch name[name.index(after: dot)...].lowercased() {
        case "png": self = .png
        case "jpg", "jpeg", "jpe": self = .jpeg
        default: return nil
        }
    }

    /// The format whose signature the bytes start with, or nil.
    ///
    /// The letters "PNG" are enough: a PNG file whose signature was spoilt in transfer is
    /// better called damaged than unknown.
    init?(signature bytes: some Collection<UInt8>) {
        if bytes.prefix(3).elementsEqual([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.dropFirst().prefix(3).elementsEqual([0x50, 0x4E, 0x47]) {
            self = .png
        } else {
            return nil
        }
    }
}
