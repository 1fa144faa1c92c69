/// How each output sample along one axis is a weighted sum of input samples, by the rules
/// of MATLAB's `imresize`.
///
/// Output sample i sits at input position u = (i + 0.5) / scale - 0.5. When shrinking, the
/// kernel is stretched by 1 / scale, which suppresses what the smaller grid cannot hold.
/// Positions outside the input are reflected at its edges (… 1 0 | 0 1 2 …), and the
/// weights of each output sample sum to 1.
public struct ResamplingWeights: Sendable, Equatable {
    public let inputLength: Int
    public let outputLength: Int
    /// Input samples per output sample.
    public let taps: Int
    /// `outputLength` × `taps` input positions in 0..<`inputLength`, already reflected.
    public let indices: [Int32]
    /// `outputLength` × `taps` weights, beside their indices.
    public let weights: [Double]

    /// The most weights a set may have.
    private static let maximumCount = 1 << 26

    /// The weights for one axis.
    ///
    /// - Parameters:
    ///   - inputLength: samples at hand, at least 1.
    ///   - outputLength: samples wanted, at least 1.
    ///   - scale: output samples per input sample, above 0; nil takes the ratio of the
    ///     lengths. The two differ where a length was rounded.
    ///   - antialias: whether the kernel is stretched when shrinking. `nearest` never is.
    /// - Throws: ``ImageFileError`` `.invalidArgument` when an argument is out of range or
    ///   there would be more than 2^26 weights.
    public init(
        inputLength: Int, outputLength: Int, scale: Double? = nil,
        kernel: ResamplingKernel = .bicubic, antialias: Bool = true
    ) throws {
        let lengths = 1...Image.maximumSampleCount
        guard lengths.contains(inputLength), lengths.contains(outputLength) else {
            throw ImageFileError.invalidArgument(
                "cannot resample \(inputLength) to \(outputLength) samples: both numbers "
                    + "must be in 1...2^31")
        }
        let scale = scale ?? Double(outputLength) / Double(inputLength)
        guard scale.isFinite, scale > 0 else {
            throw ImageFileError.invalidArgument(
                "the resampling scale must be above 0, not \(scale)")
        }
        let stretch = antialias && kernel != .nearest ? max(1, 1 / scale) : 1
        let width = kernel.width * stretch
        guard (width + 3) * Double(outputLength) <= Double(Self.maximumCount),
            Double(outputLength) / scale <= Double(Image.maximumSampleCount)
        else {
            throw ImageFileError.invalidArgument(
                "resampling \(inputLength) to \(outputLength) samples at scale \(scale) is "
                    + "more than can be handled")
        }

        // Two more than the kernel is wide: it may begin and end anywhere between samples.
        let candidates = Int(width.rounded(.up)) + 2
        var indices = [Int32](repeating: 0, count: outputLength * candidates)
        var weights = [Double](repeating: 0, count: outputLength * candidates)
        var isUsed = [Bool](repeating: false, count: candidates)
        for output in 0..<outputLength {
            let position = (Double(output) + 0.5) / scale - 0.5
            let first = Int((position - width / 2).rounded(.down))
            let start = output * candidates
            var sum = 0.0
            for tap in 0..<candidates {
                let weight = kernel.value(at: (position - Double(first + tap)) / stretch)
                weights[start + tap] = weight
                indices[start + tap] = Self.reflected(first + tap, length: inputLength)
                sum += weight
            }
            for tap in 0..<candidates {
                weights[start + tap] /= sum
                if weights[start + tap] != 0 { isUsed[tap] = true }
            }
        }

        // A tap without weight for any output is left out.
        let used = (0..<candidates).filter { isUsed[$0] }
        if used.count < candidates {
            let starts = (0..<outputLength).map { $0 * candidates }
            indices = starts.flatMap { start in used.map { indices[start + $0] } }
            weights = starts.flatMap { start in used.map { weights[start + $0] } }
        }
        self.inputLength = inputLength
        self.outputLength = outputLength
        self.taps = used.count
        self.indices = indices
        self.weights = weights
    }

    private static func reflected(_ index: Int, length: Int) -> Int32 {
        let period = 2 * length
        let remainder = index % period
        let wrapped = remainder < 0 ? remainder + period : remainder
        return Int32(truncatingIfNeeded: wrapped < length ? wrapped : period - 1 - wrapped)
    }
}
