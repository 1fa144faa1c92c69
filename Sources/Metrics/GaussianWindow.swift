import Foundation
import Tensors

/// A square Gaussian window of weights that sum to 1, as MATLAB's `fspecial('gaussian', …)`.
struct GaussianWindow: Sendable {
    /// Pixels along a side; odd.
    let length: Int
    /// The separable window's weights along one axis.
    private let weights: [Double]

    init(length: Int, sigma: Double) {
        let weights = (0..<length).map { exp(-pow(Double($0 - length / 2), 2) / (2 * sigma * sigma)) }
        let sum = weights.reduce(0, +)
        self.length = length
        self.weights = weights.map { $0 / sum }
    }

    /// Weighted means over all windows that lie inside the picture.
    ///
    /// - Parameter picture: N×C×H×W, H and W at least ``length``.
    /// - Returns: N×C×(H − length + 1)×(W − length + 1).
    func filtered(_ picture: Tensor) throws -> Tensor {
        var result = picture
        for dim in [2, 3] {
            let count = result.shape[dim] - length + 1
            let sum = try result.narrowed(dim, start: 0, count: count) * weights[0]
            for tap in 1..<length {
                try sum.add(result.narrowed(dim, start: tap, count: count), scaledBy: weights[tap])
            }
            result = sum
        }
        return result
    }

    /// Weighted means around every pixel; edge pixels are repeated beyond the picture, as
    /// `imfilter(…, 'replicate')` does.
    func filteredToTheEdge(_ picture: Tensor) throws -> Tensor {
        let reach = length / 2
        return try filtered(picture.replicatePadded(left: reach, right: reach, top: reach, bottom: reach))
    }
}
