import Tensors

/// Mean and variance of samples that come one after the other; none of them is kept.
///
/// The mean of samples lies closer to the posterior mean than any of them: higher PSNR, less
/// detail (Whang et al. 2022, section 3.3). Source of the recurrence: Welford, "Note on a method for
/// calculating corrected sums of squares and products", 1962.
public struct SampleStatistics {
    public private(set) var count = 0
    /// Of the samples so far; nil before the first.
    public private(set) var mean: Tensor?
    private let tracksVariance: Bool
    private var squares: Tensor?

    /// - Parameter tracksVariance: whether ``standardDeviation()`` will be asked for.
    public init(tracksVariance: Bool = false) { self.tracksVariance = tracksVariance }

    /// Takes one more sample; all have one shape.
    ///
    /// Pictures of N×C×H×W are taken band by band and their mean is updated in place, so that large
    /// ones need no memory beside mean and sample.
    public mutating func add(_ sample: Tensor) throws {
        count += 1
        guard var mean else {
            // A copy, since the sample's memory may be the caller's.
            mean = try sample.clone()
            squares = tracksVariance ? try Tensor.zeros(sample.shape, device: sample.device) : nil
            return
        }
        // Nor must a mean that was handed out change.
        self.mean = nil
        if !isKnownUniquelyReferenced(&mean) { mean = try mean.clone() }
        self.mean = mean
        let shape = sample.shape
        guard shape.count == 4 else { return try add(sample, to: mean, squares) }
        for rows in RowBands(rows: 0..<shape[2], width: shape[3]) {
            try add(sample.rows(rows), to: mean.rows(rows), squares?.rows(rows))
        }
    }

    private func add(_ sample: Tensor, to mean: Tensor, _ squares: Tensor?) throws {
        let difference = try sample - mean
        let after = try mean + difference / Double(count)
        try squares?.add(difference * (sample - after))
        try mean.copy(from: after)
    }

    /// √(Σ(x − mean)²/(n − 1)), element by element; zeros for a single sample, nil when it was
    /// not tracked or nothing was added.
    public func standardDeviation() throws -> Tensor? {
        try squares.map { try ($0 / Double(Swift.max(1, count - 1))).clamped(0, .infinity).squareRoot() }
    }
}
