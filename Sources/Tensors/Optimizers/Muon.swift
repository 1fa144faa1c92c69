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
    private let groups: [Group]
    /// Of each parameter, in the memory of its group.
    private let buffers: [Tensor]

    /// Parameters whose matrices have the same sides: what is done with them is done at once, which saves a GPU
    /// thousands of small calls.
    private struct Group {
        /// Places among all parameters.
        let members: [Int]
        /// count×rows×columns.
        let buffer: Tensor
    }

    public init(_ parameters: [(name: String, value: Tensor)], momentum: Double = 0.95) throws {
        self.momentum = momentum
        names = parameters.map(\.name)
        self.parameters = parameters.map(\.value)
        let sides = parameters.map { [$0.value.shape[0], $0.value.count / $0.value.shape[0]] }
        // In the order of their first members, which is always the same.
        var members: [[Int]] = []
        for index in sides.indices {
            if let place = members.firstIndex(where: { sides[$0[0]] == sides[index] }) {
                members[place].append(index)
            } else {
                members.append([index])
            }
        }
        let groups = try members.map { members in
            Group(
                members: members,
                buffer: try .zeros(
                    [members.count] + sides[members[0]], device: parameters[members[0]].value.device))
        }
        self.groups = groups
        buffers = try parameters.enumerated().map { index, parameter in
            for group in groups {
                guard let place = group.members.firstIndex(of: index) else { continue }
                return try group.buffer.narrowed(0, start: place, count: 1).reshaped(parameter.value.shape)
            }
            return try .zeros(parameter.value.shape)
        }
    }

    /// One update with the gradients the parameters hold; a parameter without one is left alone.
    ///
    /// - Parameters:
    ///   - learningRate: float32, one element, on the parameters' device.
    ///   - skip: there, 1 to leave everything as it is, 0 to go on.
    public func step(learningRate: Tensor, skip: Tensor? = nil) throws {
        try noGrad {
            for group in groups {
                let gradients = group.members.map { parameters[$0].grad }
                if gradients.allSatisfy({ $0 != nil }) {
                    try step(
                        group.members, gradients.compactMap { $0 }, buffer: group.buffer,
                        learningRate: learningRate, skip: skip)
                } else {
                    for (place, gradient) in gradients.enumerated() {
                        guard let gradient else { continue }
                        try step(
                            [group.members[place]], [gradient],
                            buffer: group.buffer.narrowed(0, start: place, count: 1),
                            learningRate: learningRate, skip: skip)
                    }
                }
            }
        }
    }

    /// - Parameter buffer: count×rows×columns, moved in place.
    private func step(
        _ members: [Int], _ gradients: [Tensor], buffer: Tensor, learningRate: Tensor, skip: Tensor?
    ) throws {
        let size = buffer.shape
        var gradient = try Tensor.stacked(gradients).reshaped(size)
        // What is not finite must be replaced: it cannot be multiplied away.
        let isSkipped = try skip?.isAbove(0.5)
        if let isSkipped { gradient = try isSkipped.chosen(buffer, else: gradient) }
        let moved = try buffer * momentum + gradient
        try buffer.copy(from: isSkipped.map { try $0.chosen(buffer, else: moved) } ?? moved)
        let scale = 0.2 * Double(Swift.max(size[1], size[2])).squareRoot()
        var update = try Self.orthogonalized(gradient + buffer * momentum)
        update = try update * (skip.map { try learningRate * (1 - $0) } ?? learningRate)
        for (place, member) in members.enumerated() {
            let parameter = parameters[member]
            try parameter.add(
                update.narrowed(0, start: place, count: 1).reshaped(parameter.shape),
                scaledBy: -scale)
        }
    }

    /// About U·Vᵀ for each matrix U·S·Vᵀ of count×rows×columns: singular values come out between 0.7 and 1.2.
    ///
    /// Five rounds of a quintic Newton-Schulz iteration, with the coefficients of the source. Every
    /// round multiplies by a polynomial of the Gram matrix from the left, so the rounds are done on
    /// the small square matrix and the large one is multiplied once.
    static func orthogonalized(_ matrices: Tensor) throws -> Tensor {
        func turned(_ matrices: Tensor) throws -> Tensor { try matrices.permuted([0, 2, 1]) }
        let size = matrices.shape
        let isTall = size[1] > size[2]
        var x = try (isTall ? turned(matrices) : matrices).contiguous()
        x = try x / (x.squared().sum([1, 2], keepDims: true).squareRoot() + 1e-7)
        var gram = try x.matmul(turned(x))
        let identity = try Op.diagonal.one(.tensor(.full([1, size[isTall ? 2 : 1]], 1, device: x.device)))
        var product: Tensor?
        for round in 0..<5 {
            // X ← p(G)·X with p(G) = 3.4445·I − 4.7750·G + 2.0315·G², hence G ← p·G·p.
            let factor = try gram * -4.7750 + gram.matmul(gram) * 2.0315
            func applied(_ right: Tensor) throws -> Tensor { try right * 3.4445 + factor.matmul(right) }
            product = try product.map(applied) ?? factor + identity * 3.4445
            if round < 4 { gram = try applied(turned(applied(gram))) }
        }
        guard let product else { return matrices }
        let result = try product.matmul(x)
        return try isTall ? turned(result) : result
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
