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

    /// The squared discrepancy of outputs and their own originals, about 0 for sets of one
    /// distribution and exactly 0 for equal ones.
    ///
    /// Vectors of one picture and its original are never compared with each other: they are not
    /// independent, and the estimate above, which compares them, would be too small (for paired
    /// samples see A. Gretton et al., "A Kernel Two-Sample Test", 2012, equation 4).
    ///
    /// - Parameters:
    ///   - a: for each picture N×D.
    ///   - b: for each picture in the same order N×D.
    /// - Throws: ``TensorError`` where the shapes do not fit, a value is not finite or there are fewer
    ///   than two pictures.
    public static func paired(_ a: [Tensor], _ b: [Tensor]) throws -> Double {
        guard a.count == b.count, a.count >= 2, zip(a, b).allSatisfy({ $0.shape == $1.shape }),
            a.allSatisfy({ $0.shape.count == 2 && $0.shape[1] == a[0].shape[1] })
        else {
            throw TensorError(
                operation: "paired kernel distance", shapes: (a + b).map(\.shape),
                reason: "N×D vectors of two or more pictures and as many of their originals are needed")
        }
        return try noGrad {
            let pictures = try [a, b].map { try $0.map { try $0.detach().to(.cpu).to(.float64) } }
            guard try (pictures[0] + pictures[1]).allSatisfy({ try $0.isFinite() }) else {
                throw TensorError(operation: "paired kernel distance", reason: "a feature is NaN or infinite")
            }
            let sets = try pictures.map { try Tensor.concatenated($0, dim: 0) }
            func discrepancy(_ x: Tensor, _ y: Tensor) throws -> Double {
                try kernel(x, x).sum().item() + kernel(y, y).sum().item() - 2 * kernel(x, y).sum().item()
            }
            let total = try discrepancy(sets[0], sets[1])
            let own = try zip(pictures[0], pictures[1]).reduce(0) { try $0 + discrepancy($1.0, $1.1) }
            let counts = a.map { Double($0.shape[0]) }
            let all = counts.reduce(0, +)
            return (total - own) / (all * all - counts.reduce(0) { $0 + $1 * $1 })
        }
    }

    private static func kernel(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try (a.matmul(b.transposed()) / Double(a.shape[1]) + 1).power(3)
    }

    /// The unbiased squared discrepancy of two m×D sets.
    private static func discrepancy(_ x: Tensor, _ y: Tensor) throws -> Double {
        let (count, width) = (Double(x.shape[0]), Double(x.shape[1]))
        // The kernel of a vector with itself does not count.
        func within(_ set: Tensor) throws -> Double {
            let own = try (set.squared().sum([1]) / width + 1).power(3).sum().item()
            return try (kernel(set, set).sum().item() - own) / (count * (count - 1))
        }
        return try within(x) + within(y) - 2 * kernel(x, y).sum().item() / (count * count)
    }
}
