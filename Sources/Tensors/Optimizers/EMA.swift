/// Exponential moving average of a network's parameters; what is saved for inference.
///
/// The decay is warmed up as min(decay, (1 + n)/(10 + n)) after n updates, so that a short
/// run does not remember its random start.
public final class EMA {
    public let decay: Double
    public private(set) var updates: Int
    public let averages: [(name: String, value: Tensor)]
    private let live: [Tensor]

    public init(_ parameters: [(name: String, value: Tensor)], decay: Double) throws {
        self.decay = decay
        updates = 0
        live = parameters.map(\.value)
        averages = try noGrad { try parameters.map { ($0.name, try $0.value.detach().clone()) } }
    }

    /// Moves every average towards its parameter.
    public func update() throws {
        updates += 1
        let current = min(decay, Double(1 + updates) / Double(10 + updates))
        try noGrad {
            try Op.foreachLerp([.tensors(averages.map(\.value)), .tensors(live), .double(1 - current)])
        }
    }

    /// Runs `body` with the averages in the network's place, then puts the live values back.
    public func swapped<Result>(_ body: () throws -> Result) throws -> Result {
        let saved = try noGrad { try live.map { try $0.detach().clone() } }
        try noGrad { try Op.foreachCopy([.tensors(live), .tensors(averages.map(\.value))]) }
        defer { try? noGrad { _ = try Op.foreachCopy([.tensors(live), .tensors(saved)]) } }
        return try body()
    }

    /// Copies saved averages back and continues from `updates`.
    public func load(_ saved: (String) throws -> Tensor?, updates: Int) throws {
        try noGrad {
            for (name, value) in averages {
                guard let stored = try saved(name), stored.shape == value.shape else {
                    throw TensorError(
                        operation: "load EMA", reason: "'\(name)' is missing or has another shape")
                }
                try value.copy(from: stored)
            }
        }
        self.updates = updates
    }
}
