import Tensors

/// What natural, undistorted photographs look like to NIQE: the mean and the covariance of the
/// 36 features of their sharp blocks.
public struct NIQEModel: Sendable {
    /// Of length 36.
    let mean: Tensor
    /// 36×36.
    let covariance: Tensor
    /// Whose model it is, for the protocol.
    public let origin: Origin
    /// What the file says of itself.
    public let metadata: [String: String]

    public enum Origin: String, Sendable {
        /// That of the authors: numbers compare with published ones.
        case original
        /// One fitted anew by ``NIQEModelFit``: numbers compare with each other only.
        case refitted
    }

    private static let (meanName, covarianceName) = ("mu_pris_param", "cov_pris_param")
    /// What tells a refitted model from the authors'.
    private static let format = "restore-niqe"

    init(mean: Tensor, covariance: Tensor, origin: Origin, metadata: [String: String] = [:]) {
        self.mean = mean
        self.covariance = covariance
        self.origin = origin
        self.metadata = metadata
    }

    /// Loads a model from a safetensors file with the names that published copies of the authors'
    /// model have: `mu_pris_param`, 1×36, and `cov_pris_param`, 36×36.
    ///
    /// - Throws: ``TensorFileError`` where the file cannot be read or holds something else,
    ///   ``TensorError`` where a value is not finite.
    public init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        let count = NIQEFeatures.count
        let mean = try file.tensor(Self.meanName, shape: [1, count]).to(.float64).reshaped([count])
        let covariance = try file.tensor(Self.covarianceName, shape: [count, count]).to(.float64)
        guard try mean.isFinite(), try covariance.isFinite() else {
            throw TensorError(
                operation: "load the NIQE model '\(path)'", reason: "a value is NaN or infinite")
        }
        self.init(
            mean: mean, covariance: covariance,
            origin: file.metadata["format"] == Self.format ? .refitted : .original,
            metadata: file.metadata)
    }

    /// Writes the model, always as a refitted one.
    ///
    /// - Parameter metadata: what it was fitted on and how.
    /// - Throws: ``TensorFileError`` where the file cannot be written.
    public func save(to path: String, metadata: [String: String] = [:]) throws {
        try SafetensorsWriter.write(
            [
                (Self.meanName, mean.reshaped([1, NIQEFeatures.count])),
                (Self.covarianceName, covariance),
            ],
            metadata: self.metadata.merging(metadata) { $1 }.merging(["format": Self.format]) { $1 }, to: path
        )
    }

    /// A model of photographs; see ``NIQEModelFit``, which need not have all in memory.
    ///
    /// - Parameter pictures: each 1×C×H×W in [-1, 1], C = 1 or 3.
    /// - Throws: ``TensorError`` where a picture is too small or too few blocks are found.
    public static func fit(_ pictures: [Tensor], luma: NIQE.Luma = .gray) throws -> NIQEModel {
        var fit = NIQEModelFit(luma: luma)
        for picture in pictures { try fit.add(picture) }
        return try fit.model()
    }
}

/// Fits a NIQE model to pristine photographs, one after the other.
///
/// As the authors' `estimatemodelparam.m`: of each photograph only the blocks count whose
/// sharpness, the mean local deviation, is above 0.75 of its sharpest block's.
public struct NIQEModelFit: Sendable {
    private let luma: NIQE.Luma
    private var blocks: [[Double]] = []
    /// Photographs that were added.
    public private(set) var pictureCount = 0
    /// Sharp blocks found in them.
    public var blockCount: Int { blocks.count }

    /// Whether there are more blocks than features; with fewer the covariance would say nothing of
    /// some directions.
    public var hasEnoughBlocks: Bool { blocks.count > NIQEFeatures.count }

    private static let threshold = 0.75

    public init(luma: NIQE.Luma = .gray) { self.luma = luma }

    /// Adds a photograph.
    ///
    /// - Parameter picture: 1×C×H×W in [-1, 1], C = 1 or 3, H and W at least 96.
    /// - Throws: ``TensorError`` where the shape does not fit or a value is not finite.
    public mutating func add(_ picture: Tensor) throws {
        let features = try noGrad { try NIQEFeatures(luma.levels(of: picture)) }
        let limit = Self.threshold * (features.sharpness.max() ?? 0)
        blocks += zip(features.blocks, features.sharpness).filter { $1 > limit }.map(\.0)
        pictureCount += 1
    }

    /// The model of all photographs so far.
    ///
    /// - Throws: ``TensorError`` where there are too few blocks, see ``hasEnoughBlocks``.
    public func model() throws -> NIQEModel {
        guard hasEnoughBlocks else {
            throw TensorError(
                operation: "fit a NIQE model",
                reason:
                    "\(blocks.count) sharp blocks in \(pictureCount) photographs are too few: at least \(NIQEFeatures.count + 1) are needed"
            )
        }
        let statistics = try FeatureStatistics(ignoringNaN: blocks, for: "fit a NIQE model")
        return NIQEModel(
            mean: statistics.mean, covariance: statistics.covariance, origin: .refitted,
            metadata: ["pictures": "\(pictureCount)", "blocks": "\(blockCount)", "luma": luma.rawValue])
    }
}
