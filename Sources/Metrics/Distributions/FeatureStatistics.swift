import Tensors

/// The mean and the covariance of a set of feature vectors.
struct FeatureStatistics {
    /// Of length D, float64.
    let mean: Tensor
    /// D×D, float64, divided by N − 1.
    let covariance: Tensor

    /// - Parameter features: N×D, N at least 2, finite.
    /// - Throws: ``TensorError`` where they are not.
    init(_ features: Tensor, for operation: String) throws {
        let shape = features.shape
        guard shape.count == 2, shape[0] >= 2, shape[1] >= 1 else {
            throw TensorError(
                operation: operation, shapes: [shape], reason: "at least two feature vectors, N×D, are needed"
            )
        }
        guard try features.isFinite() else {
            throw TensorError(operation: operation, shapes: [shape], reason: "a feature is NaN or infinite")
        }
        let samples = try features.detach().to(.cpu).to(.float64)
        mean = try samples.mean([0])
        let centered = try samples - mean
        covariance = try centered.transposed().matmul(centered) / Double(shape[0] - 1)
    }

    /// As MATLAB's `nanmean` and `nancov`: the mean of each feature over the rows that have it, the
    /// covariance of the rows that have all.
    ///
    /// - Throws: ``TensorError`` where fewer than two rows have all.
    init(ignoringNaN rows: [[Double]], for operation: String) throws {
        let complete = rows.filter { $0.allSatisfy(\.isFinite) }
        guard complete.count >= 2, let width = complete.first?.count else {
            throw TensorError(
                operation: operation,
                reason: "fewer than two of \(rows.count) blocks of 96×96 pixels have any texture")
        }
        let means = (0..<width).map { column in
            let known = rows.map { $0[column] }.filter(\.isFinite)
            return known.reduce(0, +) / Double(known.count)
        }
        mean = try Tensor(means, shape: [width], dtype: .float64)
        covariance = try FeatureStatistics(
            Tensor(complete.flatMap(\.self), shape: [complete.count, width], dtype: .float64), for: operation
        ).covariance
    }
}

extension Tensor {
    /// A symmetric matrix with its eigenvalues changed.
    func spectrallyMapped(_ change: ([Double]) -> [Double]) throws -> Tensor {
        let (values, vectors) = try eigenSymmetric()
        let changed = try change(values.doubles())
        let diagonal = try Tensor(changed, shape: [1, changed.count], dtype: .float64)
        return try (vectors * diagonal).matmul(vectors.transposed())
    }

    /// The Moore-Penrose inverse of a symmetric matrix; eigenvalues below the rounding of the
    /// largest count as 0, as in MATLAB's `pinv`.
    func pseudoInverse() throws -> Tensor {
        try spectrallyMapped { values in
            let largest = values.map { abs($0) }.max() ?? 0
            let tolerance = Double(values.count) * largest.ulp
            return values.map { abs($0) > tolerance ? 1 / $0 : 0 }
        }
    }

    /// The square root of a symmetric matrix without negative eigenvalues; those that rounding
    /// made count as 0.
    func symmetricSquareRoot() throws -> Tensor {
        try spectrallyMapped { $0.map { Swift.max($0, 0).squareRoot() } }
    }
}
