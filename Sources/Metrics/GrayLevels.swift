import Tensors

/// Values of [-1, 1] as 0…255 in float64, clamped.
///
/// - Parameter rounded: to whole levels: what an 8-bit file of the picture would hold.
/// - Throws: ``TensorError`` where `picture` is not one picture of 1 or 3 channels, or holds a
///   value that is not finite.
func grayLevels(_ picture: Tensor, rounded: Bool = true) throws -> Tensor {
    let shape = picture.shape
    guard shape.count == 4, shape[0] == 1, shape[1] == 1 || shape[1] == 3, picture.count > 0 else {
        throw TensorError(
            operation: "measure", shapes: [shape],
            reason: "a metric takes one picture as 1×C×H×W with 1 or 3 channels")
    }
    guard try picture.isFinite() else {
        throw TensorError(operation: "measure", shapes: [shape], reason: "a value is NaN or infinite")
    }
    let levels = try picture.detach().to(.float64).clamped(-1, 1) * 127.5 + 127.5
    return rounded ? try levels.rounded() : levels
}

/// Refuses two pictures of different shapes.
func requireSameShape(_ a: Tensor, _ b: Tensor, for metric: String) throws {
    guard a.shape == b.shape else {
        throw TensorError(
            operation: metric, shapes: [a.shape, b.shape], reason: "the pictures differ in shape")
    }
}

/// The picture without `border` pixels on each side.
func withoutBorder(_ picture: Tensor, _ border: Int) throws -> Tensor {
    let shape = picture.shape
    guard border >= 0, shape[2] > 2 * border, shape[3] > 2 * border else {
        throw TensorError(
            operation: "crop a border", shapes: [shape],
            reason: "nothing is left without \(border) pixels on each side")
    }
    return try picture.narrowed(2, start: border, count: shape[2] - 2 * border)
        .narrowed(3, start: border, count: shape[3] - 2 * border)
}
