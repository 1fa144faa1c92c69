import Tensors

extension ConvolutionalTrunk {
    /// For each feature, the squared differences of two pictures' directions: activations
    /// normalised to unit length over channels (+1e-10). See R. Zhang et al., "The Unreasonable
    /// Effectiveness of Deep Features as a Perceptual Metric", 2018, equation 1.
    ///
    /// - Parameters output, reference: 1×C×H×W in [-1, 1], of one shape.
    /// - Returns: what `body` makes of each 1×C×h×w, in order.
    func comparedDirections(
        _ output: Tensor, _ reference: Tensor, input: TrunkInput, device: Device,
        _ body: (_ index: Int, _ squaredDifference: Tensor) throws -> Double
    ) throws -> [Double] {
        try requireSameShape(output, reference, for: "\(architecture.name) features")
        let pair = try Tensor.concatenated(
            [output, reference].map { try input.scaled($0, device: device) }, dim: 0)
        var found: [Double] = []
        try forEachFeature(of: pair) { feature in
            let length = try feature.squared().sum([1], keepDims: true).squareRoot()
            let directions = try (feature / (length + 1e-10)).chunks(2, dim: 0)
            found.append(try body(found.count, (directions[0] - directions[1]).squared()))
        }
        return found
    }
}
