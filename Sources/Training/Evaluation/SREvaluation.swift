import Foundation
import ImageFiles
import ImageTensors
import Metrics
import SR3
import Tensors

/// Measures super-resolution on LR/HR pairs as benchmarks do: outputs rounded to 8 bits,
/// PSNR and SSIM on Y, a border of `scale` pixels cropped.
public final class SREvaluation {
    /// The files of one picture.
    public struct Pair: Sendable {
        public let name: String
        public let lr: String
        public let hr: String
    }

    public static let table = EvaluationTable(columns: [
        .init(name: "psnr_y", title: "PSNR-Y dB", digits: (4, 2)),
        .init(name: "ssim_y", title: "SSIM-Y", digits: (5, 4)),
        .init(name: "sfd", title: "SFD", digits: (5, 4)),
        .init(name: "lr_consistency_db", title: "LR consistency dB", digits: (3, 1)),
        .init(name: "colour_shift", title: "colour shift", digits: (4, 3)),
    ])

    public typealias Row = EvaluationTable.Row

    private let restorer: SR3Restorer
    private let distance: SqueezeNetFeatureDistance?
    private let isCancelled: () -> Bool

    /// - Parameter squeezenet: path of the SqueezeNet trunk; nil leaves SFD out.
    public init(restorer: SR3Restorer, squeezenet: String?, isCancelled: @escaping () -> Bool = { false })
        throws
    {
        self.restorer = restorer
        distance = try squeezenet.map { try SqueezeNetFeatureDistance(path: $0) }
        self.isCancelled = isCancelled
    }

    /// The pairs of a set, in the order of their names.
    public static func pairs(of manifest: DatasetManifest, roots: [String], limit: Int? = nil) throws
        -> [Pair]
    {
        let (low, high) = (
            try manifest.files(role: "lr", under: roots), try manifest.files(role: "hr", under: roots)
        )
        guard low.count == high.count else {
            throw DataError(
                "the data set '\(manifest.name)' has \(low.count) lr and \(high.count) hr pictures")
        }
        let pairs = zip(low, high).map { lr, hr in
            Pair(name: ((hr as NSString).lastPathComponent as NSString).deletingPathExtension, lr: lr, hr: hr)
        }
        return Array(pairs.prefix(limit ?? pairs.count))
    }

    /// Plain antialiased bicubic, the base line.
    public func bicubic(_ pairs: [Pair], set: String) throws -> [Row] {
        try measure(pairs, set: set, label: "bicubic") { lr, height, width in
            try lr.resized(height: height, width: width)
        }
    }

    public func model(
        _ pairs: [Pair], set: String, label: String, options: SR3Restorer.Options, progress: (Int) -> Void
    ) throws -> [Row] {
        try measure(pairs, set: set, label: label, progress: progress) { lr, height, width in
            try self.restorer.restored(lr, height: height, width: width, options: options)
        }
    }

    private func measure(
        _ pairs: [Pair], set: String, label: String, progress: (Int) -> Void = { _ in },
        _ restore: (Tensor, Int, Int) throws -> Tensor
    ) throws -> [Row] {
        let border = restorer.model.configuration.scale
        return try pairs.enumerated().map { index, pair in
            if isCancelled() { throw CancellationError() }
            progress(index)
            return try noGrad {
                let lr = try Image.read(from: pair.lr).tensor()
                // A gray picture is its own luma, as in the benchmarks' scripts.
                let original = try Image.read(from: pair.hr)
                let channels = original.colorChannels
                let hr = try original.tensor(channels: channels)
                let restored = try restore(lr, hr.shape[2], hr.shape[3])
                let output = try (channels == 1 ? restored.mean([1], keepDims: true) : restored).quantized()
                let input = try channels == 1 ? lr.mean([1], keepDims: true) : lr
                return Row(
                    set: set, picture: pair.name, method: label,
                    values: [
                        try PSNR(.luma, border: border)(output, hr), try SSIM(border: border)(output, hr),
                        try distance?(output, hr) ?? .nan, try lrConsistency(output, lr: input),
                        try colorShift(output, hr).maximum,
                    ])
            }
        }
    }
}
