import Crypto
import Foundation
import Tensors

extension Module {
    /// SHA-256 of all weights, by which it is seen that they are others.
    func digest() throws -> String {
        var hash = SHA256()
        for (name, value) in parameters {
            hash.update(data: Data("\(name) \(value.shape)\n".utf8))
            hash.update(data: Data(try value.detach().to(.cpu).contiguous().bytes()))
        }
        return FileDigest.hex(hash.finalize())
    }
}
