import Tensors

/// The kernel distance of two sets of feature vectors; about 0 for sets of one distribution, lower
/// is better.
///
/// M. Bińkowski et al., "Demystifying MMD GANs", 2018, section 4: the unbiased estimate of the
/// squared maximum mean discrepancy (equation 4) with k(x, y) = (xᵀy/D + 1)³, as mean and standard
/// deviation over random subsets. Being unbiased it may be negative. Published KID numbers are of
/// Inception v3 features.
public struct KernelDistance: Sendable, Equatable {
    public let mean: Double
    /// Of the subsets' estimates around their mean; 0 where a subset is a whole set.
    public let standardDeviation: Double

    /// - Parameters:
    ///   - a: N×D, N at least 2.
    ///   - b: M×D, M at least 2.
    ///   - subsetSize: vectors drawn from each set without replacement; no more than both have.
    ///   - subsetCount: how many subsets are drawn.
    ///   - seed: of the subsets.
    /// - Throws: ``TensorError`` where the shapes do not fit or a value is not finite.
    public init(
        _ a: Tensor, _ b: Tensor, subsetSize: Int = 1000, subsetCount: Int = 100, seed: UInt64 = 0
    ) throws {
        let (p, q) = (a.shape, b.shape)
        guard p.count == 2, q.count == 2, p[1] == q[1], p[1] > 0, Swift.min(p[0], q[0]) >= 2,
            subsetSize >= 2, subsetCount >= 1
        else {
            throw TensorError(
                operation: "kernel distance", shapes: [p, q],
                reason: "at least two feature vectors of one length, N×D, are needed in both sets")
        }
        guard try a.isFinite(), try b.isFinite() else {
            throw TensorError(
                operation: "kernel distance", shapes: [p, q], reason: "a feature is NaN or infinite")
        }
        let size = Swift.min(subsetSize, p[0], q[0])
        var random = CounterStream(seed: seed)
        let estimates = try noGrad {
            let sets = try [a, b].map { try $0.detach().to(.cpu).to(.float64) }
            // One subset is as good as a hundred where it is everything there is.
            let count = size == p[0] && size == q[0] ? 1 : subsetCount
            return try (0..<count).map { _ in
                let subsets = try sets.map { set in
                    let rows = (0..<set.shape[0]).shuffled(using: &random).prefix(size)
                    return try set.selected(0, indices: Tensor(indices: Array(rows)))
                }
                return try Self.discrepancy(subsets[0], subsets[1])
            }
        }
        let mean = estimates.reduce(0, +) / Double(estimates.count)
        let variance =
            estimates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(estimates.count)
        self.mean = mean
        standardDeviation = variance.squareRoot()
    }

    /// The unbiased squared discrepancy of two m×D sets.
    private static func discrepancy(_ x: Tensor, _ y: Tensor) throws -> Double {
        let (count, width) = (Double(x.shape[0]), Double(x.shape[1]))
        func kernel(_ a: Tensor, _ b: Tensor) throws -> Tensor {
            try (a.matmul(b.transposed()) / width + 1).power(3)
        }
        // The kernel of a vector with itself does not count.
        func within(_ set: Tensor) throws -> Double {
            let own = try (set.squared().sum([1]) / width + 1).power(3).sum().item()
            return try (kernel(set, set).sum().item() - own) / (count * (count - 1))
        }
        return try within(x) + within(y) - 2 * kernel(x, y).sum().item() / (count * count)
    }
}
