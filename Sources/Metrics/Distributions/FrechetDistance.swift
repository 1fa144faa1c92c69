import Tensors

/// The squared Fréchet distance of two sets of feature vectors, each seen as a Gaussian; 0 for
/// equal sets, lower is better.
///
/// M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
/// Equilibrium", 2017, equation 6: |μ₁−μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½). The trace of the root is
/// taken through the symmetric (Σ₁^½ Σ₂ Σ₁^½)^½, whose eigenvalues are the same, so that fewer
/// vectors than features do no harm to the computation; the estimate itself is biased upwards for
/// small sets. Whether it may be called FID is a matter of the features: published numbers are of
/// Inception v3.
///
/// - Parameters:
///   - a: N×D, N at least 2.
///   - b: M×D, M at least 2.
/// - Throws: ``TensorError`` where the shapes do not fit or a value is not finite.
public func frechetDistance(_ a: Tensor, _ b: Tensor) throws -> Double {
    try noGrad {
        let operation = "Fréchet distance"
        let (p, q) = try (FeatureStatistics(a, for: operation), FeatureStatistics(b, for: operation))
        guard p.mean.count == q.mean.count else {
            throw TensorError(
                operation: operation, shapes: [a.shape, b.shape], reason: "the features differ in length")
        }
        func trace(_ matrix: Tensor) throws -> Double {
            let size = matrix.shape[0]
            let diagonal = try Tensor(indices: (0..<size).map { $0 * (size + 1) })
            return try matrix.reshaped([size * size]).selected(0, indices: diagonal).sum().item()
        }
        let root = try p.covariance.symmetricSquareRoot()
        let product = try root.matmul(q.covariance).matmul(root)
        let eigenvalues = try ((product + product.transposed()) / 2).eigenSymmetric().values.doubles()
        let rootTrace = eigenvalues.reduce(0) { $0 + max($1, 0).squareRoot() }
        let means = try (p.mean - q.mean).squared().sum().item()
        // Rounding may leave a little less than nothing of equal sets.
        return try max(means + trace(p.covariance) + trace(q.covariance) - 2 * rootTrace, 0)
    }
}
