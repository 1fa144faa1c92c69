/// Seeded initial values, drawn in the order the layers are made.
public final class Initializer {
    private var stream: CounterStream?
    public let device: Device

    /// - Parameter seed: nil for zeros, where values are going to be loaded.
    public init(seed: UInt64?, device: Device = .cpu) {
        // A stream of its own, so that a training run with the same seed draws other numbers.
        stream = seed.map { CounterStream(seed: $0, stream: 0x696E_6974) }
        self.device = device
    }

    /// Uniform over ±bound.
    public func uniform(_ shape: [Int], bound: Double) throws -> Tensor {
        guard var stream else { return try placed(Tensor.zeros(shape)) }
        defer { self.stream = stream }
        let count = shape.reduce(1, *)
        var values = [Float](repeating: 0, count: count)
        for index in 0..<count { values[index] = Float((stream.uniform() * 2 - 1) * bound) }
        return try placed(Tensor(values, shape: shape))
    }

    public func constant(_ shape: [Int], _ value: Double) throws -> Tensor {
        try Tensor.full(shape, value, device: device)
    }

    /// Convolution weights are kept in channels-last memory, so that no call converts them.
    private func placed(_ tensor: Tensor) throws -> Tensor {
        let moved = try tensor.to(device)
        return tensor.rank == 4 ? try moved.channelsLast() : moved
    }
}
