import Tensors

/// Which samples of a picture a metric compares, in gray levels: what PSNR, SSIM and MS-SSIM have
/// in common.
public struct MeasuredSamples: Sendable, Equatable {
    public var channels: MeasuredChannels
    /// Pixels left out on each side before anything is computed.
    public var border: Int
    /// Whether pictures are first rounded to the 256 levels of an 8-bit file.
    public var roundsTo8Bits: Bool
    /// Whether luma is rounded to whole levels as well, as the MATLAB scripts of the
    /// super-resolution tables have it. Three colour channels are never rounded by this.
    public var roundsLuma: Bool

    public init(
        _ channels: MeasuredChannels = .luma, border: Int = 0, roundsTo8Bits: Bool = true,
        roundsLuma: Bool = false
    ) {
        self.channels = channels
        self.border = border
        self.roundsTo8Bits = roundsTo8Bits
        self.roundsLuma = roundsLuma
    }

    /// The samples of both pictures, 1×C×h×w in 0…255, float64.
    func pair(_ output: Tensor, _ reference: Tensor, for metric: String) throws -> (Tensor, Tensor) {
        try requireSameShape(output, reference, for: metric)
        return try (samples(of: output), samples(of: reference))
    }

    private func samples(of picture: Tensor) throws -> Tensor {
        let levels =
            switch channels {
            case .luma: try luma(picture, roundsTo8Bits: roundsTo8Bits, roundsLuma: roundsLuma)
            case .rgb: try grayLevels(picture, rounded: roundsTo8Bits)
            }
        return try withoutBorder(levels, border)
    }
}

/// A metric of two pictures' samples.
public protocol SampleMetric: Sendable, Equatable {
    var samples: MeasuredSamples { get set }

    init(_ samples: MeasuredSamples)

    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3.
    ///   - reference: of the same shape.
    func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double
}

extension SampleMetric {
    /// - Parameters:
    ///   - channels: luma alone, or all colour channels.
    ///   - border: pixels left out on each side.
    ///   - roundsTo8Bits: whether pictures are first rounded to the levels of an 8-bit file.
    ///   - roundsLuma: whether luma is rounded to whole levels as well.
    public init(
        _ channels: MeasuredChannels = .luma, border: Int = 0, roundsTo8Bits: Bool = true,
        roundsLuma: Bool = false
    ) {
        self.init(
            MeasuredSamples(
                channels, border: border, roundsTo8Bits: roundsTo8Bits, roundsLuma: roundsLuma))
    }
}
