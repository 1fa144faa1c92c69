import Crypto
import Foundation

/// SHA-256 of files, by which results name what they were made from.
public enum FileDigest {
    /// Of the files' bytes, one after the other, in hexadecimal.
    ///
    /// - Throws: ``DataError`` naming the file that cannot be read.
    public static func sha256(_ paths: [String]) throws -> String {
        var hash = SHA256()
        for path in paths {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw DataError("'\(path)' cannot be read")
            }
            hash.update(data: data)
        }
        return hex(hash.finalize())
    }

    public static func hex(_ digest: some Sequence<UInt8>) -> String {
        digest.map { String(format: "%02x", $0) }.joined()
    }
}
