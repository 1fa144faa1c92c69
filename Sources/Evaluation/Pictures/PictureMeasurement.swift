import ImageFiles
import ImageTensors
import Metrics
import Tensors
import Training

/// Measures pictures, alone or against their references, whoever made them.
public final class PictureMeasurement {
    /// What is measured and how.
    public struct Options {
        /// In the order of the columns.
        public var metrics: [PictureMetric]
        /// Pixels left out on each side by PSNR, SSIM, MS-SSIM and NIQE.
        public var border = 0
        /// Whether PSNR, SSIM and MS-SSIM take luma in whole levels.
        public var roundsLuma = false
        /// Whether PSNR, SSIM and MS-SSIM round pictures to 8 bits first; all others always do.
        public var roundsTo8Bits = true
        public var niqeLuma = NIQE.Luma.gray

        public init(metrics: [PictureMetric]) { self.metrics = metrics }
    }

    /// What has weights, loaded; a metric that is asked for must be there.
    public struct Weights {
        public var niqe: NIQEModel?
        public var squeezenet: SqueezeNetFeatureDistance?
        public var lpips: [LPIPS.Network: LPIPS]
        /// Whose features `fid` and `kid` compare.
        public var features: (any FeatureNetwork)?

        public init(
            niqe: NIQEModel? = nil, squeezenet: SqueezeNetFeatureDistance? = nil,
            lpips: [LPIPS.Network: LPIPS] = [:], features: (any FeatureNetwork)? = nil
        ) {
            self.niqe = niqe
            self.squeezenet = squeezenet
            self.lpips = lpips
            self.features = features
        }
    }

    /// A number of two sets of pictures.
    public struct SetValue: Sendable {
        public let metric: PictureMetric
        public let value: Double
        /// Over the subsets of `kid`; nil where there was one subset only.
        public let standardDeviation: Double?
    }

    public let options: Options
    /// The metrics of single pictures, one for each column of ``table``.
    public let columns: [PictureMetric]
    public let table: EvaluationTable
    let weights: Weights
    private let rgb: MeasuredSamples
    private let y: MeasuredSamples
    private var outputFeatures: [Tensor] = []
    private var referenceFeatures: [Tensor] = []

    /// - Throws: ``DataError`` where a metric lacks its weights.
    public init(_ options: Options, weights: Weights = .init()) throws {
        self.options = options
        self.weights = weights
        let columns = options.metrics.filter { !$0.isOfSets }
        self.columns = columns
        table = EvaluationTable(columns: columns.compactMap(\.column))
        rgb = MeasuredSamples(.rgb, border: options.border, roundsTo8Bits: options.roundsTo8Bits)
        y = MeasuredSamples(
            .luma, border: options.border, roundsTo8Bits: options.roundsTo8Bits,
            roundsLuma: options.roundsLuma)
        for metric in options.metrics {
            let isThere =
                switch metric {
                case .niqe: weights.niqe != nil
                case .sfd: weights.squeezenet != nil
                case .fid, .kid: weights.features != nil
                default: metric.lpipsNetwork.map { weights.lpips[$0] != nil } ?? true
                }
            guard isThere else {
                throw DataError("\(metric.rawValue) cannot be measured without its weights")
            }
        }
    }

    // MARK: pictures

    /// One row for a picture. What a picture is too small
    /// for is NaN.
    ///
    /// - Parameter lr: the picture's low-resolution input, for LR consistency.
    /// - Throws: ``DataError`` when the sizes do not fit or the border leaves nothing.
    public func row(_ pair: PicturePair, lr: String? = nil) throws -> EvaluationTable.Row {
        let images = try ([pair.output, pair.reference].compactMap(\.self)).map { try Image.read(from: $0) }
        let (width, height) = (images[0].width, images[0].height)
        if let reference = images.dropFirst().first, let path = pair.reference,
            reference.width != width || reference.height != height
        {
            throw DataError(
                "'\(pair.output)' has \(width)×\(height) pixels and '\(path)' \(reference.width)×\(reference.height): they must be of one size"
            )
        }
        guard min(width, height) > 2 * options.border else {
            throw DataError("a border of \(options.border) pixels leaves nothing of '\(pair.output)'")
        }
        // A gray picture is its own luma, unless it is compared with a colour one.
        let channels = images.contains { $0.colorChannels == 3 } ? 3 : 1
        return try noGrad {
            let pictures = try images.map { try $0.tensor(channels: channels) }
            let small = try lr.map {
                try lowResolution($0, of: images[0], named: pair.output, channels: channels)
            }
            return EvaluationTable.Row(
                set: pair.name, picture: pair.name, method: "output",
                values: try columns.map { try value($0, pictures, small) })
        }
    }

    private func value(_ metric: PictureMetric, _ pictures: [Tensor], _ lr: Tensor?) throws -> Double {
        let (output, reference) = (pictures[0], pictures.dropFirst().first)
        let (height, width) = (output.shape[2], output.shape[3])
        let side = min(height, width)
        let inside = side - 2 * options.border
        func compared(_ measure: (Tensor, Tensor) throws -> Double) rethrows -> Double {
            try reference.map { try measure(output, $0) } ?? .nan
        }
        switch metric {
        case .psnr: return try compared { try PSNR(rgb)($0, $1) }
        case .psnrY: return try compared { try PSNR(y)($0, $1) }
        case .ssim where inside >= SSIM.minimumSide: return try compared { try SSIM(rgb)($0, $1) }
        case .ssimY where inside >= SSIM.minimumSide: return try compared { try SSIM(y)($0, $1) }
        case .msSSIM where inside >= MultiScaleSSIM.minimumSide:
            return try compared { try MultiScaleSSIM(y)($0, $1) }
        case .sfd where side >= SqueezeNetFeatureDistance.minimumSide:
            return try compared { try weights.squeezenet?($0, $1) ?? .nan }
        case .colourShift: return try compared { try colorShift($0, $1).maximum }
        case .lrConsistency: return try lr.map { try lrConsistency(output, lr: $0) } ?? .nan
        case .niqe: return niqe(output)
        case .lpipsAlex, .lpipsVGG, .lpipsSqueeze:
            guard let lpips = metric.lpipsNetwork.flatMap({ weights.lpips[$0] }),
                side >= lpips.network.minimumSide
            else { return .nan }
            return try compared { try lpips($0, $1) }
        case .ssim, .ssimY, .msSSIM, .sfd, .fid, .kid: return .nan
        }
    }

    /// NaN also for pictures without texture, which is known only once they are measured.
    private func niqe(_ picture: Tensor) -> Double {
        guard let model = weights.niqe else { return .nan }
        let niqe = NIQE(model: model, luma: options.niqeLuma, border: options.border)
        return (try? niqe(picture)) ?? .nan
    }

    private func lowResolution(_ path: String, of image: Image, named name: String, channels: Int) throws
        -> Tensor
    {
        let lr = try Image.read(from: path)
        guard lr.width <= image.width, lr.height <= image.height else {
            throw DataError("'\(path)' is larger than '\(name)', whose low-resolution picture it should be")
        }
        return try lr.tensor(channels: channels)
    }

    // MARK: sets

    /// Keeps the features of pictures that are not compared one by one.
    ///
    /// - Throws: ``DataError`` where a picture is too small for the network.
    public func addToSets(outputs: [String] = [], references: [String] = []) throws {
        guard let network = weights.features else { return }
        func features(_ path: String) throws -> Tensor {
            let image = try Image.read(from: path)
            guard min(image.width, image.height) >= network.minimumSide else {
                throw DataError(
                    "'\(path)' is too small for the features of \(network.name): \(network.minimumSide)×\(network.minimumSide) pixels are needed"
                )
            }
            return try network.features(of: image.tensor())
        }
        outputFeatures += try outputs.map(features)
        referenceFeatures += try references.map(features)
    }

    /// The numbers of all pictures that were given to ``addToSets(outputs:references:)``.
    ///
    /// - Throws: ``DataError`` where a set has fewer than two pictures.
    public func setValues() throws -> [SetValue] {
        let metrics = options.metrics.filter(\.isOfSets)
        if metrics.isEmpty { return [] }
        guard min(outputFeatures.count, referenceFeatures.count) >= 2 else {
            throw DataError("fid and kid are distances of sets: both folders need at least two pictures")
        }
        let (a, b) = try (Tensor.stacked(outputFeatures), Tensor.stacked(referenceFeatures))
        return try metrics.map { metric in
            if metric == .fid {
                return .init(metric: metric, value: try frechetDistance(a, b), standardDeviation: nil)
            }
            let distance = try KernelDistance(a, b)
            let deviation = distance.standardDeviation
            return .init(
                metric: metric, value: distance.mean, standardDeviation: deviation > 0 ? deviation : nil)
        }
    }
}
