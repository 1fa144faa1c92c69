import Foundation
import ImageTensors
import Tensors

/// How well a super-resolved picture agrees with the low-resolution picture it was made from:
/// the RGB PSNR, in dB, between the output made small again and the input; higher is better.
///
/// The output is made small by antialiased bicubic as in MATLAB's `imresize` and rounded to 8
/// bits; nothing is cropped. On Set5, Set14 and BSD100 ×4 plain bicubic upscaling scores 37 to
/// 38 dB. The originals themselves score about 56 dB and not infinity, because those sets were
/// made with an intermediate rounding and other edges (see `Downscaling`): do not read
/// differences above 50 dB. Pictures without any difference count as if one value were off by one
/// gray level, so that a set has a mean. See C. Saharia et al., "Image
/// Super-Resolution via Iterative Refinement", 2021, section 4.2, "Consistency".
///
/// - Parameters:
///   - output: 1×C×H×W in [-1, 1], C = 1 or 3.
///   - lr: 1×C×h×w with h ≤ H and w ≤ W.
/// - Throws: ``TensorError`` where the shapes do not fit or a value is not finite.
public func lrConsistency(_ output: Tensor, lr: Tensor) throws -> Double {
    try noGrad {
        let (size, lrSize) = (output.shape, lr.shape)
        guard size.count == 4, lrSize.count == 4, size[1] == lrSize[1],
            lrSize[2] <= size[2], lrSize[3] <= size[3]
        else {
            throw TensorError(
                operation: "LR consistency", shapes: [size, lrSize],
                reason: "the low-resolution picture must be a smaller N×C×H×W of the same channels")
        }
        let small = try output.detach().quantized().resized(height: lrSize[2], width: lrSize[3])
        let oneOff = 10 * log10(255.0 * 255 * Double(lr.count))
        return try min(PSNR(.rgb)(small, lr), oneOff)
    }
}
