import Tensors

/// By how much the mean colour of a picture differs from another's, in gray levels of 8 bits.
public struct ColorShift: Sendable, Equatable {
    /// |mean(output) − mean(reference)| of each channel, 0…255.
    public let perChannel: [Double]

    /// The largest of the channels' shifts.
    public var maximum: Double { perChannel.max() ?? 0 }
}

/// The shift of the mean colour between two pictures, both rounded to 8 bits; lower is better.
///
/// A plain check for the hue shifts that diffusion models are known for. The sizes may differ,
/// so that an output can also be held against its low-resolution input.
///
/// - Parameters:
///   - output: 1×C×H×W in [-1, 1], C = 1 or 3.
///   - reference: with the same number of channels.
/// - Throws: ``TensorError`` where the channels differ or a value is not finite.
public func colorShift(_ output: Tensor, _ reference: Tensor) throws -> ColorShift {
    try noGrad {
        let (a, b) = try (grayLevels(output), grayLevels(reference))
        guard a.shape[1] == b.shape[1] else {
            throw TensorError(
                operation: "colour shift", shapes: [a.shape, b.shape],
                reason: "the pictures differ in their channels")
        }
        let channels = 0..<a.shape[1]
        return try ColorShift(
            perChannel: channels.map { channel in
                let means = try [a, b].map { try $0.narrowed(1, start: channel, count: 1).mean().item() }
                return abs(means[0] - means[1])
            })
    }
}
