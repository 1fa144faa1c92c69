import Deblur
import Foundation
import ImageFiles
import ImageTensors
import Metrics
import Tensors

/// Measures deblurring on pairs of blurred and sharp pictures: outputs rounded to 8 bits, PSNR
/// over all colours, SSIM on luma, no border cropped unless pairs are aligned.
public final class DeblurEvaluation {
    /// The files of one picture.
    public struct Pair: Sendable {
        public let name: String
        public let blurred: String
        public let sharp: String

        public init(name: String, blurred: String, sharp: String) {
            self.name = name
            self.blurred = blurred
            self.sharp = sharp
        }
    }

    public typealias Row = EvaluationTable.Row

    public static let table = EvaluationTable(columns: [
        .init(name: "psnr_rgb", title: "PSNR dB", digits: (4, 2)),
        .init(name: "gain_db", title: "gain dB", digits: (4, 2)),
        .init(name: "ssim_y", title: "SSIM-Y", digits: (5, 4)),
        .init(name: "sfd", title: "SFD", digits: (5, 4)),
        .init(name: "colour_shift", title: "colour shift", digits: (4, 3)),
    ])

    /// One way to sample, with the numbers of samples whose means are measured.
    public struct Method {
        public let label: String
        public let sampling: PredictAndRefine.Sampling
        /// Rising.
        public let samples: [Int]

        public init(label: String, sampling: PredictAndRefine.Sampling, samples: [Int]) {
            self.label = label
            self.sampling = sampling
            self.samples = samples
        }
    }

    private let restorer: DeblurRestorer
    private let distance: SqueezeNetFeatureDistance?
    private let seed: UInt64
    /// Largest shift, in pixels along each axis, that is searched between a pair; 0 for none.
    private let alignment: Int
    private let isCancelled: () -> Bool

    /// - Parameters:
    ///   - squeezenet: path of the SqueezeNet trunk; nil leaves SFD out.
    ///   - alignment: captures and their sharp pictures can be displaced. Up to this many whole
    ///     pixels are searched for each pair, on the blurred input, and used for all its rows; as
    ///     many pixels are left out at every border.
    public init(
        restorer: DeblurRestorer, squeezenet: String?, seed: UInt64, alignment: Int = 0,
        isCancelled: @escaping () -> Bool = { false }
    ) throws {
        self.restorer = restorer
        distance = try squeezenet.map { try SqueezeNetFeatureDistance(path: $0) }
        self.seed = seed
        self.alignment = alignment
        self.isCancelled = isCancelled
    }

    // MARK: pairs

    /// The pairs of a set with `blur` and `sharp` parts. Each blurred picture goes with the sharp
    /// one of its own name, or of the name before its first `_`, or else of its place in the list.
    public static func pairs(of manifest: DatasetManifest, roots: [String], limit: Int? = nil) throws
        -> [Pair]
    {
        try pairs(
            blurred: manifest.files(role: "blur", under: roots),
            sharp: manifest.files(role: "sharp", under: roots), name: manifest.name, limit: limit)
    }

    /// The pairs of two folders.
    public static func pairs(blurred: String, sharp: String, limit: Int? = nil) throws -> [Pair] {
        func pictures(_ folder: String) throws -> [String] {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
                throw DataError("the folder '\(folder)' cannot be read")
            }
            let found = names.filter { ImageFormat(path: $0) != nil }.sorted().map { "\(folder)/\($0)" }
            guard !found.isEmpty else { throw DataError("there is no PNG or JPEG file in '\(folder)'") }
            return found
        }
        return try pairs(
            blurred: pictures(blurred), sharp: pictures(sharp), name: "\(blurred) and \(sharp)", limit: limit)
    }

    private static func pairs(blurred: [String], sharp: [String], name: String, limit: Int?) throws -> [Pair]
    {
        func stem(_ path: String) -> String {
            ((path as NSString).lastPathComponent as NSString).deletingPathExtension
        }
        let byName = Dictionary(sharp.map { (stem($0), $0) }, uniquingKeysWith: { first, _ in first })
        let pairs = try blurred.enumerated().map { index, path in
            let own = stem(path)
            let other =
                byName[own] ?? byName[String(own.prefix { $0 != "_" })]
                ?? (blurred.count == sharp.count ? sharp[index] : nil)
            guard let other else {
                throw DataError("'\(path)' of \(name) has no sharp picture of its name")
            }
            return Pair(name: own, blurred: path, sharp: other)
        }
        return Array(pairs.prefix(limit ?? pairs.count))
    }

    // MARK: measuring

    /// Rows of every pair: the input itself, the prediction, and each method's means. Samples are
    /// drawn once a method: the mean of four is that of the first four of eight.
    public func run(_ pairs: [Pair], set: String, methods: [Method], progress: (Int) -> Void = { _ in })
        throws -> [Row]
    {
        var rows: [Row] = []
        for (index, pair) in pairs.enumerated() {
            progress(index)
            rows += try noGrad { try self.rows(pair, set: set, methods: methods) }
        }
        return rows
    }

    private func rows(_ pair: Pair, set: String, methods: [Method]) throws -> [Row] {
        if isCancelled() { throw CancellationError() }
        let original = try Image.read(from: pair.sharp)
        let input = try Image.read(from: pair.blurred)
        guard original.width == input.width, original.height == input.height else {
            throw DataError("'\(pair.blurred)' and '\(pair.sharp)' differ in size")
        }
        let isGray = original.colorChannels == 1
        func colours(_ tensor: Tensor) throws -> Tensor {
            try isGray && tensor.shape[1] == 3 ? tensor.mean([1], keepDims: true) : tensor
        }
        let sharp = try original.tensor(channels: original.colorChannels)
        let blurred = try input.tensor(channels: 3)
        let shift = try Shift.best(from: colours(blurred), to: sharp, reach: alignment)
        let reference = try shift.reference(sharp)
        var rows: [Row] = []
        var baseline = 0.0
        func measure(_ method: String, _ output: Tensor) throws {
            let output = try shift.output(colours(output).quantized())
            let psnr = try PSNR(.rgb)(output, reference)
            if rows.isEmpty { baseline = psnr }
            rows.append(
                Row(
                    set: set, picture: pair.name, method: method,
                    values: [
                        psnr, psnr == baseline ? 0 : psnr - baseline, try SSIM()(output, reference),
                        try distance?(output, reference) ?? .nan,
                        try colorShift(output, reference).maximum,
                    ]))
        }
        try measure("input", blurred)
        try measure("predictor", restorer.predicted(blurred))
        for method in methods {
            var sum: Tensor?
            _ = try restorer.restored(
                blurred,
                options: .init(
                    sampling: method.sampling, samples: method.samples.max() ?? 1, seed: seed,
                    sampleDone: { index, sample in
                        let total = try sum.map { try $0 + sample } ?? sample
                        sum = total
                        if method.samples.contains(index + 1) {
                            let label =
                                index == 0
                                ? method.label : "\(method.label) × \(index + 1)"
                            try measure(label, total / Double(index + 1))
                        }
                    }, isCancelled: isCancelled))
        }
        return rows
    }
}

/// A displacement by whole pixels between a blurred capture and its sharp picture.
struct Shift: Equatable {
    let dx: Int
    let dy: Int
    /// Left out at every border, so that all shifts within it compare the same pixels.
    let border: Int

    /// The part of the sharp picture that is compared.
    func reference(_ sharp: Tensor) throws -> Tensor {
        let size = sharp.shape
        return try sharp.narrowed(2, start: border, count: size[2] - 2 * border)
            .narrowed(3, start: border, count: size[3] - 2 * border)
    }

    /// The part of a restored picture that shows the same.
    func output(_ picture: Tensor) throws -> Tensor {
        let size = picture.shape
        return try picture.narrowed(2, start: border + dy, count: size[2] - 2 * border)
            .narrowed(3, start: border + dx, count: size[3] - 2 * border)
    }

    /// The shift with the least squared error.
    static func best(from picture: Tensor, to sharp: Tensor, reach: Int) throws -> Shift {
        let still = Shift(dx: 0, dy: 0, border: reach)
        guard reach > 0 else { return still }
        let reference = try still.reference(sharp)
        var best = (shift: still, error: Double.infinity)
        for dy in -reach...reach {
            for dx in -reach...reach {
                let shift = Shift(dx: dx, dy: dy, border: reach)
                let error = try shift.output(picture).meanSquaredError(to: reference).item()
                if error < best.error { best = (shift, error) }
            }
        }
        return best.shift
    }
}
