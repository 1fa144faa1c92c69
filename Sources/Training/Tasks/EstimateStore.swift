import Degradation
import Tensors

/// Estimated kernels, kept for the next run that would make the same.
struct EstimateStore {
    /// Raised when other kernels are drawn or estimated for the same settings and pictures.
    private static let version = 2

    private let cache: TensorCache
    private let count: Int

    /// - Parameters:
    ///   - folder: is made when something is written.
    ///   - description: all that the estimates follow from.
    init(folder: String, count: Int, of description: [String]) {
        cache = TensorCache("kernel-estimates", in: folder, version: Self.version, of: description)
        self.count = count
    }

    /// Nil where there are none, or the file is damaged.
    func load() -> [BlurKernel]? {
        guard let file = cache.file() else { return nil }
        return try? (0..<count).map { index in
            let name = "kernel.\(index)"
            let side = try file.requiredEntry(name).shape.first ?? 0
            return try BlurKernel(side: side, exactly: file.tensor(name, shape: [side, side]).floats())
        }
    }

    /// What cannot be kept is made again next time.
    func save(_ kernels: [BlurKernel]) {
        let tensors = try? kernels.enumerated().map { index, kernel in
            (
                name: "kernel.\(index)",
                value: try Tensor(kernel.values, shape: [kernel.side, kernel.side])
            )
        }
        if let tensors { cache.save(tensors) }
    }
}
