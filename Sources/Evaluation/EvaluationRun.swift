import Foundation
import Parallel
import Tensors
import Training

/// What was measured on one output of one picture.
public struct EvaluationResult: Sendable {
    public let set: String
    public let picture: String
    public let point: EvaluationPoint
    /// In the order of the evaluator's metrics.
    public let values: [Double]
    /// What the output took, without reading and measuring.
    public let seconds: Double
    /// For distances of sets.
    public let features: PictureFeatures?

    public init(
        set: String, picture: String, point: EvaluationPoint, values: [Double], seconds: Double,
        features: PictureFeatures? = nil
    ) {
        self.set = set
        self.picture = picture
        self.point = point
        self.values = values
        self.seconds = seconds
        self.features = features
    }

    /// The same as one of another set.
    public func inSet(_ name: String) -> EvaluationResult {
        EvaluationResult(
            set: name, picture: picture, point: point, values: values, seconds: seconds, features: features)
    }
}

/// Measures methods on pairs, a picture at a time: what all methods share, such as the prediction,
/// is made once, samples are drawn once for all the means of a method, and what a journal holds is
/// not made again.
public final class EvaluationRun {
    /// Work in units of network steps times the size of the picture's file.
    public struct Progress: Sendable {
        public var done = 0.0
        public var total = 0.0
        /// Of the work done, what was found in the journal.
        public var resumed = 0.0
    }

    private let evaluator: any Evaluator
    private let journal: EvaluationJournal
    private let gallery: CropGallery?
    private let ranks: Communicator
    private let isCancelled: () -> Bool

    /// - Parameters:
    ///   - gallery: takes crops of the pictures it wants.
    ///   - ranks: share out the pairs among them.
    public init(
        _ evaluator: any Evaluator, journal: EvaluationJournal, gallery: CropGallery? = nil,
        ranks: Communicator = .single, isCancelled: @escaping () -> Bool = { false }
    ) {
        self.ranks = ranks
        self.evaluator = evaluator
        self.journal = journal
        self.gallery = gallery
        self.isCancelled = isCancelled
    }

    /// The entries of a base line or of a method's points, as the journal keeps them.
    private struct Group: Codable {
        var key: String
        var entries: [EvaluationJournal.Entry]
    }

    /// What a rank measured: of each of its pairs all points in their order.
    private struct Share: Codable {
        var measured: [Int: [Group]] = [:]
        var isCancelled = false
    }

    /// Every rank gets all results, whichever measured them.
    ///
    /// - Parameter progress: tells of this rank's share.
    /// - Throws: `CancellationError` between two outputs; the journal then holds what was finished.
    public func results(
        _ pairs: [(set: String, pair: EvaluationPair)], methods: [EvaluationMethod],
        progress: (Progress) -> Void = { _ in }
    ) throws -> [EvaluationResult] {
        let sizes = pairs.map { Self.fileSize($0.pair.original) }
        let owners = WorkShare.ranks(of: sizes, size: ranks.size)
        let own = pairs.indices.filter { owners[$0] == ranks.rank }
        var state = Progress(
            total: methods.reduce(0) { $0 + Self.cost($1) } * own.reduce(0) { $0 + sizes[$1] })
        var share = Share()
        do {
            for index in own {
                share.measured[index] = try groups(
                    of: pairs[index].pair, size: sizes[index], methods, &state, progress)
            }
            progress(state)
        } catch is CancellationError where ranks.isParallel {
            share.isCancelled = true
        }
        let shares = try ranks.gathered(share)
        if shares.contains(where: \.isCancelled) { throw CancellationError() }
        let points = evaluator.baselines + methods.flatMap(Self.points)
        return pairs.indices.flatMap { index in
            let groups = shares[owners[index]].measured[index] ?? []
            for group in groups { journal.learn(group.entries, for: group.key) }
            return zip(points, groups.flatMap(\.entries)).map { point, entry in
                EvaluationResult(
                    set: pairs[index].set, picture: pairs[index].pair.name, point: point,
                    values: entry.values, seconds: entry.seconds, features: entry.features)
            }
        }
    }

    /// What belongs to one pair: the base lines, then the methods.
    private func groups(
        of pair: EvaluationPair, size: Double, _ methods: [EvaluationMethod], _ state: inout Progress,
        _ progress: (Progress) -> Void
    ) throws -> [Group] {
        let digest = try FileDigest.sha256([pair.input, pair.original])
        var opened: EvaluationSubject?
        func subject() throws -> EvaluationSubject {
            if let opened { return opened }
            let made = try evaluator.subject(pair)
            opened = made
            return made
        }
        var all: [Group] = []
        for point in evaluator.baselines {
            all.append(
                try group("\(digest) \(point.label)", pair, points: [point]) { emit in
                    let subject = try subject()
                    try emit(point, evaluator.baseline(point, of: subject), subject)
                })
        }
        for method in methods {
            if isCancelled() { throw CancellationError() }
            progress(state)
            var isNew = false
            all.append(
                try group("\(digest) \(method.fingerprint)", pair, points: Self.points(method)) { emit in
                    isNew = true
                    let subject = try subject()
                    try evaluator.draw(method, of: subject) { count, output in
                        try emit(EvaluationPoint(method, samples: count), output, subject)
                    }
                })
            let cost = size * Self.cost(method)
            state.done += cost
            if !isNew { state.resumed += cost }
        }
        return all
    }

    private static func points(_ method: EvaluationMethod) -> [EvaluationPoint] {
        method.samples.map { EvaluationPoint(method, samples: $0) }
    }

    private static func fileSize(_ path: String) -> Double {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return Double(attributes?[.size] as? Int ?? 1)
    }

    private static func cost(_ method: EvaluationMethod) -> Double {
        Double(method.sampling.steps * (method.samples.last ?? 0))
    }

    /// The entries of the points, from the journal if it has all of them, else made and written.
    private func group(
        _ key: String, _ pair: EvaluationPair, points: [EvaluationPoint],
        make: ((EvaluationPoint, Timed<Tensor>, EvaluationSubject) throws -> Void) throws -> Void
    ) throws -> Group {
        let known = journal[key] ?? []
        let wanted = points.map { point in known.first { $0.samples == point.samples } }
        let hasCrops = gallery?.isComplete(pair, points: points) ?? true
        if hasCrops, !wanted.contains(where: { $0 == nil }) {
            return Group(key: key, entries: wanted.compactMap(\.self))
        }
        var made: [EvaluationJournal.Entry] = []
        try noGrad {
            try make { point, output, subject in
                let picture = try subject.measured(output.made)
                made.append(
                    .init(
                        samples: point.samples,
                        values: try evaluator.metrics.map { try $0.measure(subject, picture) },
                        seconds: output.seconds,
                        features: try evaluator.metrics.lazy.compactMap(\.patches).first.flatMap {
                            try PictureFeatures($0, output: picture, original: subject.reference)
                        }))
                try gallery?.add(picture, point: point, of: subject)
            }
        }
        // Means of other numbers of samples that were measured before stay known.
        let older = known.filter { old in !made.contains { $0.samples == old.samples } }
        try journal.append(older + made, for: key)
        return Group(key: key, entries: made)
    }
}
