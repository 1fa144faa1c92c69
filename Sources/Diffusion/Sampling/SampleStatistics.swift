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
    public mutating func add(_ sample: Tensor) throws {
        count += 1
        guard let before = mean else {
            mean = sample
            squares = tracksVariance ? try Tensor.zeros(sample.shape, device: sample.device) : nil
            return
        }
        let difference = try sample - before
        let after = try before + difference / Double(count)
        if let squares { self.squares = try squares + difference * (sample - after) }
        mean = after
    }

    /// √(Σ(x − mean)²/(n − 1)), element by element; zeros for a single sample, nil when it was
    /// not tracked or nothing was added.
    public func standardDeviation() throws -> Tensor? {
        try squares.map { try ($0 / Double(Swift.max(1, count - 1))).clamped(0, .infinity).squareRoot() }
    }
}
