import Tensors

/// A perceptual distance of two pictures (SFD): how far apart the features of SqueezeNet 1.1
/// are; 0 for equal pictures, lower is better.
///
/// Computed as LPIPS (R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a
/// Perceptual Metric", 2018, equation 1) without its learned heads, so it is **not** LPIPS and
/// its values do not compare with it. The features after the first ReLU and after the fire
/// modules 4, 7, 9, 10, 11 and 12 (torchvision's numbers) are normalised to unit length over
/// channels (+1e-10); their squared difference is summed over channels and averaged over
/// positions; the distance is the mean of the seven. The trunk is the one trained in Caffe:
/// its input is BGR, 0…255 (rounded to 8 bits), minus (103.939, 116.779, 123.68). Nothing is
/// cropped or resized.
///
/// Set14 upscaled ×4 by bicubic scores 0.4 to 0.8 a picture; a tenth more brightness about 0.01.
public final class SqueezeNetFeatureDistance: @unchecked Sendable {
    // Unchecked: the weights are constant, and tensors may be read from several threads.

    private let features: SqueezeNetFeatures
    private let device: Device

    /// Loads the trunk.
    ///
    /// - Parameter path: a safetensors file with torchvision's names (`features.0.weight`, …),
    ///   float32, trained for the input above.
    /// - Throws: ``TensorFileError`` where the file cannot be read or lacks a layer,
    ///   ``TensorError`` where a layer has another shape.
    public init(path: String, device: Device = .cpu) throws {
        features = try SqueezeNetFeatures(path: path, device: device)
        self.device = device
    }

    /// The distance of two pictures.
    ///
    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3, at least 17 pixels high and wide.
    ///   - reference: of the same shape.
    /// - Throws: ``TensorError`` where the shapes do not fit or a value is not finite.
    public func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double {
        try noGrad {
            try requireSameShape(output, reference, for: "SqueezeNet feature distance")
            let pair = try Tensor.concatenated(
                [output, reference].map { try grayLevels($0).to(device) }, dim: 0)
            let shape = pair.shape
            guard Swift.min(shape[2], shape[3]) >= SqueezeNetFeatures.minimumSide else {
                throw TensorError(
                    operation: "SqueezeNet feature distance", shapes: [shape],
                    reason: "the pictures must be at least 17 pixels high and wide")
            }
            var total = 0.0
            var count = 0
            try features.forEachFeature(of: pair.expanded([2, 3, shape[2], shape[3]])) { feature in
                let length = try feature.squared().sum([1], keepDims: true).squareRoot()
                let directions = try (feature / (length + 1e-10)).chunks(2, dim: 0)
                let apart = try (directions[0] - directions[1]).squared().sum([1])
                total += try apart.to(.float64).mean().item()
                count += 1
            }
            return total / Double(count)
        }
    }
}
