import Tensors

/// The convolutional trunk of a classifier, whose inner activations are features.
struct ConvolutionalTrunk: Sendable {
    let architecture: TrunkArchitecture
    private let weights: [String: Tensor]

    /// - Parameter file: with torchvision's names (`features.0.weight`, …); other tensors in it are
    ///   passed over.
    /// - Throws: ``TensorFileError`` where the file lacks a layer or has it in another shape.
    init(_ architecture: TrunkArchitecture, file: some TensorFile, device: Device) throws {
        self.architecture = architecture
        var weights: [String: Tensor] = [:]
        for (name, shape) in architecture.weightShapes {
            weights[name] = try file.tensor(name, shape: shape).to(.float32).to(device)
            let bias = name.replacing(".weight", with: ".bias")
            weights[bias] = try file.tensor(bias, shape: [shape[0]]).to(.float32).to(device)
        }
        self.weights = weights
    }

    /// Hands over the features one after the other, so that only one need be in memory.
    ///
    /// - Parameter input: N×3×H×W, float32, scaled as the trunk was trained.
    /// - Throws: ``TensorError`` where a side is below the architecture's least.
    func forEachFeature(of input: Tensor, _ body: (Tensor) throws -> Void) throws {
        let least = architecture.minimumSide
        guard input.rank == 4, Swift.min(input.shape[2], input.shape[3]) >= least else {
            throw TensorError(
                operation: "\(architecture.name) features", shapes: [input.shape],
                reason: "the pictures must be at least \(least) pixels high and wide")
        }
        var x = try input.channelsLast()
        for layer in architecture.layers {
            switch layer {
            case .convolution(let number, _, _, _, let stride, let padding):
                x = try convolved(x, "\(number)", stride: stride, padding: padding)
            case .fire(let number, _, _, _):
                let squeezed = try convolved(x, "\(number).squeeze")
                x = try Tensor.concatenated(
                    [
                        convolved(squeezed, "\(number).expand1x1"),
                        convolved(squeezed, "\(number).expand3x3", padding: 1),
                    ], dim: 1)
            case .pool(let kernel, let stride, let ceilMode):
                x = try x.maxPooled(kernel, stride: stride, ceilMode: ceilMode)
            case .feature: try body(x)
            }
        }
    }

    private func convolved(_ x: Tensor, _ layer: String, stride: Int = 1, padding: Int = 0) throws -> Tensor {
        guard let weight = weights["features.\(layer).weight"] else {
            throw TensorError(operation: architecture.name, reason: "there is no layer '\(layer)'")
        }
        return try x.convolved(
            weight, bias: weights["features.\(layer).bias"], stride: stride, padding: padding
        ).relu()
    }
}
