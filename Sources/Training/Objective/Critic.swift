import Tensors

/// A network that learns to tell photographs from restored pictures by what a frozen classifier sees in them.
///
/// For each feature of ``EfficientNetLite``, and for the detail of the pixels themselves, there is a small head of three
/// convolutions that gives a number for each position. It is compared with that of the same position in the original:
/// the critic learns that the original's is higher, the network that its own is. Every filter has length 1, so that no
/// head can be steep without end where the two are already close.
///
/// Sources: Sauer et al., "Projected GANs converge faster", 2021 (heads on frozen features); Jolicoeur-Martineau, "The
/// relativistic discriminator", 2019, equations 5 and 6, here position by position (loss); Salimans and Kingma, "Weight
/// normalization", 2016.
final class Critic: Module {
    /// Convolutions on one feature.
    private final class Head: Module {
        private static let width = 64
        private static let slope = 0.2

        private let layers: [(weight: Tensor, bias: Tensor)]

        init(inputs: Int, initializer: Initializer) throws {
            let shapes = [
                [Self.width, inputs, 3, 3], [Self.width, Self.width, 3, 3], [1, Self.width, 3, 3],
            ]
            layers = try shapes.map {
                (
                    weight: try initializer.uniform(
                        $0, bound: 1 / Double($0[1] * $0[2] * $0[3]).squareRoot()),
                    bias: try initializer.constant([$0[0]], 0)
                )
            }
            super.init()
            for (index, layer) in layers.enumerated() {
                _ = try register("\(index).weight", layer.weight)
                _ = try register("\(index).bias", layer.bias)
            }
        }

        /// N×inputs×H×W → N×1×H×W.
        func callAsFunction(_ feature: Tensor, learns: Bool) throws -> Tensor {
            var x = feature
            for (index, layer) in layers.enumerated() {
                let weight = try learns ? layer.weight : layer.weight.detach()
                let bias = try learns ? layer.bias : layer.bias.detach()
                let length = try (weight.squared().sum([1, 2, 3], keepDims: true) + 1e-12).squareRoot()
                x = try x.convolved(weight / length, bias: bias, padding: 1)
                // What is lost on the way is made up for, so that a head sees features as large as they came.
                if index + 1 < layers.count { x = try x.leakyReLU(Self.slope) * 2.0.squareRoot() }
            }
            return try x.to(.float32)
        }
    }

    /// Channels of what the heads see: detail, then ``EfficientNetLite/widths``.
    private static let widths = [detailWidth] + EfficientNetLite.widths
    private static let detailWidth = 3 * detailFactor * detailFactor
    private static let detailFactor = 2
    /// Detail is what a picture so many times smaller does not tell.
    static let detailReduction = 4
    /// By which it is multiplied to be about as large as features are.
    private static let detailGain = 8.0

    private let heads: [Head]

    init(seed: UInt64, device: Device) throws {
        let initializer = Initializer(seed: seed, device: device)
        heads = try Self.widths.map { try Head(inputs: $0, initializer: initializer) }
        super.init()
        for (index, head) in heads.enumerated() { _ = register("\(index)", head) }
    }

    /// Of a picture, N×3×H×W in [-1, 1], sides multiples of 4: N×12×H/2×W/2.
    private func detail(of picture: Tensor) throws -> Tensor {
        let coarse = try picture.averagePooled(Self.detailReduction).upsampledNearest(Self.detailReduction)
        return try ((picture - coarse) * Self.detailGain).pixelUnshuffled(Self.detailFactor).channelsLast()
    }

    /// The losses of a batch.
    struct Losses {
        /// Of the network whose pictures these are; its gradient does not reach the critic.
        let network: Tensor
        /// The critic's own; its gradient does not reach the pictures.
        let critic: Tensor
    }

    /// - Parameters:
    ///   - output, reference: pictures and what is seen in them. N×3×H×W in [-1, 1], sides multiples of 4.
    ///   - weights: of the pictures, length N; nil where all count alike.
    func losses(
        output: (picture: Tensor, features: [Tensor]), reference: (picture: Tensor, features: [Tensor]),
        weights: Tensor? = nil
    ) throws -> Losses {
        /// Of how far one judgement is above another.
        func loss(_ gap: Tensor) throws -> Tensor {
            let found = try gap.softplus()
            guard let weights else { return try found.mean() }
            return try (found.mean([1, 2, 3]) * weights).mean()
        }
        let made = [try detail(of: output.picture)] + output.features
        let real = [try detail(of: reference.picture)] + reference.features
        var (network, critic): ([Tensor], [Tensor]) = ([], [])
        for (head, (made, real)) in zip(heads, zip(made, real)) {
            let count = made.shape[0]
            let judged = try head(Tensor.concatenated([made.detach(), real.detach()], dim: 0), learns: true)
            let (first, second) = (
                try judged.narrowed(0, start: 0, count: count),
                try judged.narrowed(0, start: count, count: count)
            )
            critic.append(try loss(first - second))
            network.append(try loss(second.detach() - head(made, learns: false)))
        }
        return Losses(network: try Tensor.stacked(network).mean(), critic: try Tensor.stacked(critic).mean())
    }
}
