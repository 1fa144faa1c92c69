/// Momentum whose update is made orthogonal: every direction of a layer's weight matrix moves by
/// about the same amount, however small its gradient is. Convolution weights are taken as
/// outputs × (inputs·height·width) matrices.
///
/// Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; scale of
/// the update after Liu et al., "Muon is scalable for LLM training", 2025, so that a learning rate
/// means the same as for ``AdamW``.
public final class Muon {
    public let momentum: Double
    private let names: [String]
    private let parameters: [Tensor]
    private let buffers: [Tensor]

    public init(_ parameters: [(name: String, value: Tensor)], momentum: Double = 0.95) throws {
        self.momentum = momentum
        names = parameters.map(\.name)
        self.parameters = parameters.map(\.value)
        buffers = try noGrad { try parameters.map { try $0.value.detach() * 0 } }
    }

    /// One update with the gradients the parameters hold; a parameter without one is left alone.
    ///
    /// - Parameter skip: on the parameters' device, 1 to leave everything as it is, 0 to go on.
    public func step(learningRate: Double, skip: Tensor? = nil) throws {
        try noGrad {
            for (parameter, buffer) in zip(parameters, buffers) {
                guard var gradient = parameter.grad else { continue }
                // What is not finite must be replaced: it cannot be multiplied away.
                let isSkipped = try skip?.isAbove(0.5)
                if let isSkipped { gradient = try isSkipped.chosen(buffer, else: gradient) }
                let moved = try buffer * momentum + gradient
                try buffer.copy(from: isSkipped.map { try $0.chosen(buffer, else: moved) } ?? moved)
                let shape = parameter.shape
                let matrix = try (gradient + buffer * momentum).reshaped([shape[0], -1])
                let size = matrix.shape
                let scale = 0.2 * Double(Swift.max(size[0], size[1])).squareRoot()
                var update = try Self.orthogonalized(matrix).reshaped(shape)
                if let skip { update = try update * (1 - skip) }
                try parameter.add(update, scaledBy: -learningRate * scale)
            }
        }
    }

    /// About U·Vᵀ for a matrix U·S·Vᵀ: singular values come out between 0.7 and 1.2.
    ///
    /// Five rounds of a quintic Newton-Schulz iteration, with the coefficients of the source. Every
    /// round multiplies by a polynomial of the Gram matrix from the left, so the rounds are done on
    /// the small square matrix and the large one is multiplied once.
    static func orthogonalized(_ matrix: Tensor) throws -> Tensor {
        let size = matrix.shape
        let isTall = size[0] > size[1]
        var x = try (isTall ? matrix.permuted([1, 0]) : matrix).contiguous()
        x = try x / (x.squared().sum().squareRoot() + 1e-7)
        var gram = try x.matmul(x.permuted([1, 0]))
        var product: Tensor?
        for round in 0..<5 {
            // X ← p(G)·X with p(G) = 3.4445·I − 4.7750·G + 2.0315·G², hence G ← p·G·p.
            let factor = try gram * -4.7750 + gram.matmul(gram) * 2.0315
            func applied(_ right: Tensor) throws -> Tensor { try right * 3.4445 + factor.matmul(right) }
            product = try product.map(applied) ?? factor + identity(gram.shape[0], like: gram) * 3.4445
            if round < 4 { gram = try applied(applied(gram).permuted([1, 0])) }
        }
        guard let product else { return matrix }
        let result = try product.matmul(x)
        return try isTall ? result.permuted([1, 0]) : result
    }

    private static func identity(_ side: Int, like tensor: Tensor) throws -> Tensor {
        var values = [Float](repeating: 0, count: side * side)
        for index in 0..<side { values[index * side + index] = 1 }
        return try Tensor(values, shape: [side, side]).to(tensor.device)
    }

    /// The state as named tensors: `NAME.momentum`.
    public var state: [(name: String, value: Tensor)] {
        zip(names, buffers).map { ("\($0).momentum", $1) }
    }

    /// Copies a saved state back.
    ///
    /// - Throws: ``TensorError`` naming the first tensor that is missing or has another shape.
    public func load(_ saved: (String) throws -> Tensor?) throws {
        try loadState(state, from: saved)
    }
}
