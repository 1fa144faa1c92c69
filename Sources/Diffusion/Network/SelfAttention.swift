import Tensors

/// Self-attention over all positions of a feature map, with a residual skip.
final class SelfAttention: Module {
    private let norm: GroupNorm
    private let qkv: Conv2d
    private let output: Conv2d
    private let channels: Int
    private let heads: Int

    init(_ channels: Int, _ configuration: UNetConfiguration, _ initializer: Initializer) throws {
        self.channels = channels
        heads = configuration.heads(channels)
        norm = try configuration.normalization(channels, initializer)
        qkv = try Conv2d(channels, channels * 3, kernel: 1, initializer)
        output = try Conv2d(channels, channels, kernel: 1, zero: true, initializer)
        super.init()
        _ = register("norm", norm)
        _ = register("qkv", qkv)
        _ = register("output", output)
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let size = x.shape
        let positions = size[2] * size[3]
        let parts = try qkv(norm(x)).reshaped([size[0], 3 * heads, channels / heads, positions])
            .permuted([0, 1, 3, 2]).chunks(3, dim: 1)
        let mixed = try Tensor.attention(query: parts[0], key: parts[1], value: parts[2])
            .permuted([0, 1, 3, 2]).reshaped([size[0], channels, size[2], size[3]])
        return try output(mixed.channelsLast(), then: .add(x))
    }
}
