import Tensors

/// The convolutional trunk of SqueezeNet 1.1 (F. Iandola et al., 2016; torchvision's names),
/// as trained in Caffe.
struct SqueezeNetFeatures {
    /// Smaller pictures vanish in the pooling.
    static let minimumSide = 17

    /// Means of blue, green and red that the trunk was trained with, in gray levels.
    private static let means = [103.939, 116.779, 123.68]
    /// torchvision's number, inputs, squeezed channels and the channels of each expansion.
    private static let fires: [(layer: Int, inputs: Int, squeezed: Int, expanded: Int)] = [
        (3, 64, 16, 64), (4, 128, 16, 64),
        (6, 128, 32, 128), (7, 256, 32, 128),
        (9, 256, 48, 192), (10, 384, 48, 192), (11, 384, 64, 256), (12, 512, 64, 256),
    ]

    private let weights: [String: Tensor]
    private let means: Tensor
    private let blueGreenRed: Tensor

    /// - Throws: ``TensorFileError`` where the file cannot be read or lacks a layer,
    ///   ``TensorError`` where a layer has another shape or type.
    init(path: String, device: Device) throws {
        let file = try SafetensorsFile(path: path)
        var weights: [String: Tensor] = [:]
        func load(_ layer: String, _ outputs: Int, _ inputs: Int, _ kernel: Int) throws {
            for (part, shape) in [("weight", [outputs, inputs, kernel, kernel]), ("bias", [outputs])] {
                let name = "features.\(layer).\(part)"
                weights[name] = try file.withBytes(of: name) { bytes in
                    let entry = file.entry(name)
                    guard entry?.shape == shape, entry?.dtype == .float32 else {
                        throw TensorError(
                            operation: "load SqueezeNet 1.1 from '\(path)'",
                            reason: "'\(name)' is not float32 of shape \(shape)")
                    }
                    return try Tensor(bytes: bytes, shape: shape, dtype: .float32).to(device)
                }
            }
        }
        try load("0", 64, 3, 3)
        for fire in Self.fires {
            try load("\(fire.layer).squeeze", fire.squeezed, fire.inputs, 1)
            try load("\(fire.layer).expand1x1", fire.expanded, fire.squeezed, 1)
            try load("\(fire.layer).expand3x3", fire.expanded, fire.squeezed, 3)
        }
        self.weights = weights
        means = try Tensor(Self.means.map(Float.init), shape: [1, 3, 1, 1]).to(device)
        blueGreenRed = try Tensor(indices: [2, 1, 0]).to(device)
    }

    /// Hands over the seven features one after the other, so that only one need be in memory.
    ///
    /// - Parameter levels: N×3×H×W, RGB, 0…255.
    func forEachFeature(of levels: Tensor, _ body: (Tensor) throws -> Void) throws {
        let input = try levels.to(.float32).selected(1, indices: blueGreenRed) - means
        var x = try convolved(input.channelsLast(), "0", stride: 2)
        try body(x)
        for fire in Self.fires {
            if [3, 6, 9].contains(fire.layer) { x = try x.maxPooled(3, stride: 2, ceilMode: true) }
            let squeezed = try convolved(x, "\(fire.layer).squeeze")
            x = try Tensor.concatenated(
                [
                    convolved(squeezed, "\(fire.layer).expand1x1"),
                    convolved(squeezed, "\(fire.layer).expand3x3", padding: 1),
                ], dim: 1)
            if ![3, 6].contains(fire.layer) { try body(x) }
        }
    }

    private func convolved(_ x: Tensor, _ layer: String, stride: Int = 1, padding: Int = 0) throws -> Tensor {
        guard let weight = weights["features.\(layer).weight"] else {
            throw TensorError(operation: "SqueezeNet 1.1", reason: "there is no layer '\(layer)'")
        }
        return try x.convolved(
            weight, bias: weights["features.\(layer).bias"], stride: stride, padding: padding
        ).relu()
    }
}
