import Tensors

/// Luma Y of YCbCr, as MATLAB's `rgb2ycbcr` gives it for 8-bit pictures: 16…235.
///
/// Y = (65.481 R + 128.553 G + 24.966 B) / 255 + 16 with R, G, B in 0…255 (ITU-R BT.601). A
/// gray picture is its own luma, 0…255: the benchmark scripts convert only
/// colour pictures, and Set14 has a gray one that must be read as one channel to reproduce
/// the published 26.00 dB (as three equal channels it gives 26.09).
///
/// - Parameters:
///   - picture: 1×C×H×W in [-1, 1], C = 1 or 3.
///   - roundsTo8Bits: whether the picture is first rounded to 8 bits.
///   - roundsLuma: whether Y is rounded to whole levels, as MATLAB does with uint8 pictures.
/// - Returns: 1×1×H×W, float64.
/// - Throws: ``TensorError`` where the shape is another or a value is not finite.
public func luma(_ picture: Tensor, roundsTo8Bits: Bool = true, roundsLuma: Bool = false) throws -> Tensor {
    let levels = try grayLevels(picture, rounded: roundsTo8Bits)
    let y =
        levels.shape[1] == 1
        ? levels : try weightedChannels(levels, [65.481, 128.553, 24.966].map { $0 / 255 }) + 16
    return roundsLuma ? try y.rounded() : y
}

/// The weighted sum of the three colour channels of 1×3×H×W, 1×1×H×W.
func weightedChannels(_ rgb: Tensor, _ weights: [Double]) throws -> Tensor {
    let kernel = try Tensor(weights, shape: [1, 3, 1, 1], dtype: .float64).to(rgb.device)
    return try (rgb * kernel).sum([1], keepDims: true)
}
