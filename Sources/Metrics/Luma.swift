import Tensors

/// Luma Y of 8-bit YCbCr, as MATLAB's `rgb2ycbcr` gives it: 16…235.
///
/// Y = (65.481 R + 128.553 G + 24.966 B) / 255 + 16 with R, G, B in 0…255 (ITU-R BT.601),
/// kept unrounded. A gray picture is its own luma, 0…255: the benchmark scripts convert only
/// colour pictures, and Set14 has a gray one that must be read as one channel to reproduce
/// the published 26.00 dB (as three equal channels it gives 26.09).
///
/// - Parameter picture: 1×C×H×W in [-1, 1], C = 1 or 3; first rounded to 8 bits.
/// - Returns: 1×1×H×W, float64.
/// - Throws: ``TensorError`` where the shape is another or a value is not finite.
public func luma(_ picture: Tensor) throws -> Tensor {
    let rgb = try grayLevels(picture)
    if rgb.shape[1] == 1 { return rgb }
    let weights = [65.481, 128.553, 24.966].map { $0 / 255 }
    let kernel = try Tensor(weights, shape: [1, 3, 1, 1], dtype: .float64).to(rgb.device)
    return try (rgb * kernel).sum([1], keepDims: true) + 16
}
