import Crypto
import Degradation
import Foundation
import Tensors

/// Estimated kernels in a file, for the next run that would make the same: a resumed one, another rank, or another
/// trial of the same pictures.
struct EstimateStore {
    /// Raised when other kernels are drawn or estimated for the same settings and pictures.
    private static let version = 1

    private let path: String
    private let count: Int

    /// - Parameters:
    ///   - folder: is made when something is written.
    ///   - description: all that the estimates follow from.
    init(folder: String, count: Int, of description: [String]) throws {
        var hash = SHA256()
        for part in ["\(Self.version)"] + description { hash.update(data: Data("\(part)\n".utf8)) }
        let digest = FileDigest.hex(hash.finalize()).prefix(16)
        path = "\(folder)/kernel-estimates-\(digest).safetensors"
        self.count = count
    }

    /// Nil where there are none, or the file is damaged.
    func load() -> [BlurKernel]? {
        guard let file = try? SafetensorsFile(path: path) else { return nil }
        return try? (0..<count).map { index in
            let name = "kernel.\(index)"
            let side = try file.requiredEntry(name).shape.first ?? 0
            return try BlurKernel(side: side, exactly: file.tensor(name, shape: [side, side]).floats())
        }
    }

    /// What cannot be kept is made again next time.
    func save(_ kernels: [BlurKernel]) {
        let folder = path.folderOfPath
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? SafetensorsWriter.write(
            kernels.enumerated().map { index, kernel in
                ("kernel.\(index)", try Tensor(kernel.values, shape: [kernel.side, kernel.side]))
            }, metadata: [:], to: path)
    }
}
