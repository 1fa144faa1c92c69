/// The layers of a classifier up to its last feature, with torchvision's numbers.
struct TrunkArchitecture: Sendable {
    enum Layer: Sendable {
        /// A convolution and its ReLU.
        case convolution(Int, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0)
        /// SqueezeNet's module: squeezed by 1×1, expanded by 1×1 and by 3×3, each with its ReLU.
        case fire(Int, inputs: Int, squeezed: Int, expanded: Int)
        case pool(Int, stride: Int = 2, ceilMode: Bool = false)
        /// What the layer before gave is a feature.
        case feature
    }

    let name: String
    let layers: [Layer]
    /// Smaller pictures vanish in the pooling.
    let minimumSide: Int

    /// The name and the shape of every weight, without the biases.
    var weightShapes: [(name: String, shape: [Int])] {
        layers.flatMap { layer -> [(name: String, shape: [Int])] in
            switch layer {
            case .convolution(let number, let inputs, let outputs, let kernel, _, _):
                [("features.\(number).weight", [outputs, inputs, kernel, kernel])]
            case .fire(let number, let inputs, let squeezed, let expanded):
                [
                    ("features.\(number).squeeze.weight", [squeezed, inputs, 1, 1]),
                    ("features.\(number).expand1x1.weight", [expanded, squeezed, 1, 1]),
                    ("features.\(number).expand3x3.weight", [expanded, squeezed, 3, 3]),
                ]
            case .pool, .feature: []
            }
        }
    }

    /// The channels of each feature.
    var featureChannels: [Int] {
        var channels = 3
        var found: [Int] = []
        for layer in layers {
            switch layer {
            case .convolution(_, _, let outputs, _, _, _): channels = outputs
            case .fire(_, _, _, let expanded): channels = 2 * expanded
            case .pool: break
            case .feature: found.append(channels)
            }
        }
        return found
    }

    /// SqueezeNet 1.1 (F. Iandola et al., 2016).
    static let squeezeNet = TrunkArchitecture(
        name: "SqueezeNet 1.1",
        layers: [
            .convolution(0, inputs: 3, outputs: 64, kernel: 3, stride: 2), .feature,
            .pool(3, ceilMode: true),
            .fire(3, inputs: 64, squeezed: 16, expanded: 64),
            .fire(4, inputs: 128, squeezed: 16, expanded: 64), .feature,
            .pool(3, ceilMode: true),
            .fire(6, inputs: 128, squeezed: 32, expanded: 128),
            .fire(7, inputs: 256, squeezed: 32, expanded: 128), .feature,
            .pool(3, ceilMode: true),
            .fire(9, inputs: 256, squeezed: 48, expanded: 192), .feature,
            .fire(10, inputs: 384, squeezed: 48, expanded: 192), .feature,
            .fire(11, inputs: 384, squeezed: 64, expanded: 256), .feature,
            .fire(12, inputs: 512, squeezed: 64, expanded: 256), .feature,
        ], minimumSide: 17)

    /// AlexNet as in "One weird trick …" (A. Krizhevsky, 2014).
    static let alexNet = TrunkArchitecture(
        name: "AlexNet",
        layers: [
            .convolution(0, inputs: 3, outputs: 64, kernel: 11, stride: 4, padding: 2), .feature,
            .pool(3),
            .convolution(3, inputs: 64, outputs: 192, kernel: 5, padding: 2), .feature,
            .pool(3),
            .convolution(6, inputs: 192, outputs: 384, kernel: 3, padding: 1), .feature,
            .convolution(8, inputs: 384, outputs: 256, kernel: 3, padding: 1), .feature,
            .convolution(10, inputs: 256, outputs: 256, kernel: 3, padding: 1), .feature,
        ], minimumSide: 31)

    /// VGG-16 without normalisation (K. Simonyan, A. Zisserman, 2014).
    static let vgg16: TrunkArchitecture = {
        var layers: [Layer] = []
        let stages = [
            ([0, 2], 64), ([5, 7], 128), ([10, 12, 14], 256), ([17, 19, 21], 512), ([24, 26, 28], 512),
        ]
        var inputs = 3
        for (index, (numbers, outputs)) in stages.enumerated() {
            if index > 0 { layers.append(.pool(2)) }
            for number in numbers {
                layers.append(.convolution(number, inputs: inputs, outputs: outputs, kernel: 3, padding: 1))
                inputs = outputs
            }
            layers.append(.feature)
        }
        return TrunkArchitecture(name: "VGG-16", layers: layers, minimumSide: 16)
    }()
}
