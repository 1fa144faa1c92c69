import Diffusion
import Tensors

/// The weights of a ``UNet``, taken over part by part from a published state.
final class NetworkTranscript {
    private let state: PublishedState
    private let shapes: [String: [Int]]
    private(set) var weights: [String: Tensor] = [:]

    init(_ network: UNet, _ state: PublishedState) {
        self.state = state
        shapes = Dictionary(
            network.parameters.map { ($0.name, $0.value.shape) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether our network has a layer.
    func hasLayer(_ ours: String) -> Bool { shapes["\(ours).weight"] != nil }

    /// Takes over weight and bias of a layer that our network has; it may have no such layer.
    func copy(_ theirs: String, to ours: String) throws {
        for part in ["weight", "bias"] {
            guard let shape = shapes["\(ours).\(part)"] else { continue }
            weights["\(ours).\(part)"] = try state.tensor("\(theirs).\(part)", shape: shape)
        }
    }

    /// Takes over a convolution without bias: ours is 0.
    func copyWithoutBias(_ theirs: String, to ours: String) throws {
        guard let shape = shapes["\(ours).weight"] else { return }
        weights["\(ours).weight"] = try state.tensor("\(theirs).weight", shape: shape)
        weights["\(ours).bias"] = try Tensor.zeros([shape[0]])
    }

    /// Takes over linear layers of one size as one 1×1 convolution, their outputs one after the other.
    func copyLinear(_ theirs: [String], to ours: String) throws {
        for part in ["weight", "bias"] {
            guard let shape = shapes["\(ours).\(part)"] else { continue }
            let one = [shape[0] / theirs.count] + (part == "weight" ? [shape[1]] : [])
            let parts = try theirs.map { try state.tensor("\($0).\(part)", shape: one) }
            weights["\(ours).\(part)"] = try Tensor.concatenated(parts, dim: 0).reshaped(shape)
        }
    }

    /// Exchanges the two halves of a weight's inputs.
    func exchangeInputHalves(of ours: String) throws {
        guard let weight = weights["\(ours).weight"] else { return }
        weights["\(ours).weight"] = try Tensor.concatenated(weight.chunks(2, dim: 1).reversed(), dim: 1)
    }
}
