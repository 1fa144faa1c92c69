/// Group normalisation (Wu and He 2018) over N×C×H×W.
public final class GroupNorm: Module {
    public let weight: Tensor
    public let bias: Tensor
    public let groups: Int
    /// What is added to the variance.
    public let epsilon: Double

    public init(groups: Int, channels: Int, epsilon: Double = 1e-5, _ initializer: Initializer) throws {
        self.groups = groups
        self.epsilon = epsilon
        weight = try initializer.constant([channels], 1)
        bias = try initializer.constant([channels], 0)
        super.init()
        _ = try register("weight", weight)
        _ = try register("bias", bias)
    }

    /// Positions from which libtorch sums channels-last memory thread by thread.
    private static let threadedPositions = 1024

    /// N×C×H×W → N×C×H×W.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        // There the sums would depend on the number of threads, also for a part of such a tensor; in row-major
        // memory they do not.
        if x.device == .cpu, x.rank == 4, x.shape[2] * x.shape[3] >= Self.threadedPositions {
            return try normalized(x.contiguous()).channelsLast()
        }
        return try normalized(x)
    }

    private func normalized(_ x: Tensor) throws -> Tensor {
        try Op.groupNorm.one(.tensor(x), .int(groups), .tensor(weight), .tensor(bias), .double(epsilon))
    }
}
