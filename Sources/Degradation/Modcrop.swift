import Tensors

/// The top-left part of pictures whose sides are the largest multiples of a whole scale, as
/// super-resolution test sets are cut before they are made small.
///
/// - Parameters:
///   - pictures: N×C×H×W, at least `scale` high and wide.
///   - scale: at least 1.
/// - Throws: ``TensorError`` where nothing would be left.
public func modcrop(_ pictures: Tensor, scale: Int) throws -> Tensor {
    let shape = pictures.shape
    guard shape.count == 4, scale >= 1, shape[2] >= scale, shape[3] >= scale else {
        throw TensorError(
            operation: "modcrop", shapes: [shape],
            reason: "pictures are N×C×H×W and at least \(scale) pixels high and wide")
    }
    return try pictures.cropped(height: shape[2] - shape[2] % scale, width: shape[3] - shape[3] % scale)
}
