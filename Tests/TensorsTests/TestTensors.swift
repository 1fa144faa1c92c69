@testable import Tensors

/// Uniform numbers over ±bound, the same at every run.
///
/// Not from libtorch's generator: that is one for the whole process, and tests run side by side.
func randomTensor(_ shape: [Int], bound: Double = 1, stream: UInt64 = 0) throws -> Tensor {
    var random = CounterStream(seed: 2026, stream: stream)
    return try Tensor(
        (0..<shape.reduce(1, *)).map { _ in Float((random.uniform() * 2 - 1) * bound) }, shape: shape)
}

/// The largest absolute difference of two tensors of one shape; infinite where a value is NaN.
func largestDifference(_ a: Tensor, _ b: Tensor) throws -> Float {
    guard a.shape == b.shape else { return .infinity }
    return try zip(a.floats(), b.floats()).reduce(0) { largest, pair in
        let difference = abs(pair.0 - pair.1)
        return difference <= .greatestFiniteMagnitude ? max(largest, difference) : .infinity
    }
}

/// ‖a − b‖ / ‖b‖, in Double; infinite where a value is NaN.
func relativeDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
    guard a.shape == b.shape else { return .infinity }
    var (error, size) = (0.0, 0.0)
    for (x, y) in zip(try a.floats(), try b.floats()) {
        error += Double(x - y) * Double(x - y)
        size += Double(y) * Double(y)
    }
    let ratio = size > 0 ? (error / size).squareRoot() : (error == 0 ? 0 : .infinity)
    return ratio.isNaN ? .infinity : ratio
}
