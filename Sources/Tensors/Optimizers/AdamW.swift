/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), all parameters in one
/// fused operation.
public final class AdamW {
    /// What does not change during a run.
    public struct Options: Sendable, Codable, Equatable {
        public var beta1: Double
        public var beta2: Double
        public var epsilon: Double
        public var weightDecay: Double

        public init(
            beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
        ) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
        }
    }

    public let options: Options
    private let names: [String]
    private let parameters: [Tensor]
    private let firstMoments: [Tensor]
    private let secondMoments: [Tensor]
    private let steps: [Tensor]

    public init(_ parameters: [(name: String, value: Tensor)], options: Options = .init()) throws {
        self.options = options
        names = parameters.map(\.name)
        self.parameters = parameters.map(\.value)
        firstMoments = try self.parameters.map(AdamW.zeros)
        secondMoments = try self.parameters.map(AdamW.zeros)
        steps = try self.parameters.map { try Tensor.zeros([], device: $0.device) }
    }

    /// Moments share their parameter's memory layout: the fused kernel walks all in step.
    private static func zeros(like parameter: Tensor) throws -> Tensor {
        try noGrad { try parameter.detach() * 0 }
    }

    /// One update with the gradients the parameters hold; a parameter without one is left alone.
    ///
    /// - Parameters:
    ///   - learningRate: float32, one element, on the parameters' device: a series of calls that was written down
    ///     (``DeviceGraph``) finds another in it each time.
    ///   - skip: on the parameters' device, 1 to leave everything as it is, 0 to go on; so that nobody has to wait for
    ///     the device to know.
    public func step(learningRate: Tensor, skip: Tensor? = nil) throws {
        var lists: (p: [Tensor], g: [Tensor], m: [Tensor], v: [Tensor], s: [Tensor]) = ([], [], [], [], [])
        for (index, parameter) in parameters.enumerated() {
            guard let gradient = parameter.grad else { continue }
            lists.p.append(parameter)
            lists.g.append(gradient)
            lists.m.append(firstMoments[index])
            lists.v.append(secondMoments[index])
            lists.s.append(steps[index])
        }
        guard !lists.p.isEmpty else { return }
        try noGrad {
            let one = try Tensor.full([], 1, device: lists.s[0].device)
            try Op.foreachAdd([.tensors(lists.s), .tensor(skip.map { try one - $0 } ?? one)])
            try Op.fusedAdamW([
                .tensors(lists.p), .tensors(lists.g), .tensors(lists.m), .tensors(lists.v), .emptyList,
                .tensors(lists.s), .tensor(learningRate), .double(options.beta1), .double(options.beta2),
                .double(options.weightDecay), .double(options.epsilon), .bool(false), .bool(false),
                .none, skip.map(OperatorArgument.tensor) ?? .none,
            ])
        }
    }

    public func clearGradients() {
        for parameter in parameters { parameter.clearGrad() }
    }

    /// The state as named tensors: `NAME.exp_avg`, `NAME.exp_avg_sq`, `NAME.step`, PyTorch's names.
    public var state: [(name: String, value: Tensor)] {
        names.indices.flatMap { index in
            [
                ("\(names[index]).exp_avg", firstMoments[index]),
                ("\(names[index]).exp_avg_sq", secondMoments[index]),
                ("\(names[index]).step", steps[index]),
            ]
        }
    }

    /// Copies a saved state back.
    ///
    /// - Throws: ``TensorError`` naming the first tensor that is missing or has another shape.
    public func load(_ saved: (String) throws -> Tensor?) throws {
        try loadState(state, from: saved)
    }
}

/// Copies saved tensors into an optimiser's state by name.
///
/// - Throws: ``TensorError`` naming the first tensor that is missing or has another shape.
public func loadState(_ state: [(name: String, value: Tensor)], from saved: (String) throws -> Tensor?) throws
{
    try noGrad {
        for (name, value) in state {
            guard let stored = try saved(name), stored.count == value.count else {
                throw TensorError(
                    operation: "load optimiser state", reason: "'\(name)' is missing or of another size")
            }
            try value.copy(from: stored.reshaped(value.shape))
        }
    }
}

/// Scales all gradients by one factor so that their joint L2 norm is at most `limit`.
///
/// - Returns: the norm before clipping, on the parameters' device, so that nobody has to wait for it.
@discardableResult
public func clipGradients(_ parameters: [Tensor], limit: Double) throws -> Tensor {
    try noGrad {
        let gradients = parameters.compactMap(\.grad)
        guard !gradients.isEmpty else { return try Tensor.zeros([]) }
        let norms = try Op.foreachNorm([.tensors(gradients), .double(2)])
        let norm = try Tensor.stacked(norms).squared().sum().squareRoot()
        let factor = try (Tensor.full([], limit, device: norm.device) / (norm + 1e-6)).clamped(0, 1)
        try Op.foreachMul([.tensors(gradients), .tensor(factor)])
        return norm
    }
}
