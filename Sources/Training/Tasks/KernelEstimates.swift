import Deblur
import Degradation
import Foundation
import Tensors

/// Kernels, each with what an estimator finds in a photograph that it has blurred, and what it finds in frames of
/// real motion: a network that is to see pictures deconvolved by estimated kernels must learn from estimates,
/// with their errors.
///
/// An estimate takes about as long as ten samples of training, so they are made before it. That of a kernel then
/// goes with any photograph in any of eight poses, that of frames with any part of them.
struct KernelEstimates: Sendable {
    struct Pair: Sendable, Equatable {
        /// How the photograph was blurred.
        let draw: BlurDegradation.Draw
        let estimate: BlurKernel
    }

    struct Motion: Sendable {
        let take: FrameSequence.Take
        /// Sides of the take.
        let size: Int
        let estimate: BlurKernel
    }

    let pairs: [Pair]
    let motions: [Motion]

    /// Sides of what is blurred and looked at, at most.
    private static let side = 256
    /// How often a crop is given the estimate of another kernel.
    private static let mistakenShare = 0.1

    /// - Parameters:
    ///   - count: of pairs; there are a sixth as many motions, if there are frames.
    ///   - seed: all kernels, photographs and places follow from it.
    ///   - cache: a folder where estimates are kept for the next run that would make the same; nil for none.
    /// - Throws: `CancellationError`.
    init(
        _ count: Int, estimator: BlurEstimator, degradation: BlurDegradation, photos: PhotoCollection,
        frames: FrameSequence?, seed: UInt64, cache: String? = nil, isCancelled: () -> Bool = { false }
    ) throws {
        let margin = degradation.margin
        let plans = (0..<count).map { index in
            var random = Self.random(seed, index)
            let photo = photos.pick(random.uniform())
            let size = min(
                Self.side + 2 * margin, photos.photos[photo].width, photos.photos[photo].height)
            let crop = photos.crop(of: photo, size: size, using: &random)
            return PairPlan(crop: crop, size: size, draw: degradation.draw(using: &random), rest: random)
        }
        var motionPlans: [MotionPlan] = []
        if let frames {
            for index in count..<(count + (count + 5) / 6) {
                var random = Self.random(seed, index)
                let size = min(Self.side, frames.largestCrop)
                let take = frames.take(size: size, using: &random).upright
                let draw = degradation.draw(using: &random)
                motionPlans.append(MotionPlan(take: take, size: size, draw: draw, rest: random))
            }
        }
        let store = try cache.map {
            try EstimateStore(
                folder: $0, count: count + motionPlans.count,
                of: [
                    "\(estimator)", "\(plans)", "\(motionPlans)",
                    "\(photos.photos.map { [$0.width, $0.height] })",
                ])
        }
        let estimates: [BlurKernel]
        if let kept = store?.load() {
            estimates = kept
        } else {
            let ofPairs: [BlurKernel] = try Self.onAllCores(count, isCancelled: isCancelled) { index in
                var plan = plans[index]
                let around = try photos.batch([plan.crop], size: plan.size).to(.cpu).to(.float32) / 127.5 - 1
                let clean = try BlurDegradation.exposed(
                    around, margin: margin, draws: [plan.draw],
                    subjects: DeblurTraining.subjects(for: around, [plan.draw]))
                return try Self.estimate(of: clean, estimator: estimator, plan.draw, using: &plan.rest)
            }
            let motions = motionPlans
            let ofMotions: [BlurKernel] = try Self.onAllCores(motions.count, isCancelled: isCancelled) {
                index in
                guard let frames else { return BlurKernel.identity }
                var plan = motions[index]
                let clean = try frames.pair(plan.take, size: plan.size).mean.to(.cpu)
                return try Self.estimate(of: clean, estimator: estimator, plan.draw, using: &plan.rest)
            }
            estimates = ofPairs + ofMotions
            store?.save(estimates)
        }
        pairs = zip(plans, estimates).map { Pair(draw: $0.draw, estimate: $1) }
        motions = zip(motionPlans, estimates.dropFirst(count)).map {
            Motion(take: $0.take, size: $0.size, estimate: $1)
        }
    }

    private static func random(_ seed: UInt64, _ index: Int) -> CounterStream {
        CounterStream(seed: seed, stream: UInt64.max / 2 - UInt64(index))
    }

    /// What is blurred and looked at, and the numbers that noise is drawn from.
    private struct PairPlan: Sendable {
        let crop: PhotoCollection.Crop
        let size: Int
        let draw: BlurDegradation.Draw
        var rest: CounterStream
    }

    private struct MotionPlan: Sendable {
        let take: FrameSequence.Take
        let size: Int
        let draw: BlurDegradation.Draw
        var rest: CounterStream
    }

    /// What is found in a picture after noise and JPEG.
    private static func estimate(
        of clean: Tensor, estimator: BlurEstimator, _ draw: BlurDegradation.Draw,
        using random: inout CounterStream
    ) throws -> BlurKernel {
        let noise = try NoiseField(seed: random.next(), sample: 0).tensor(
            step: 0, channels: 3, height: clean.shape[2], width: clean.shape[3])
        return try estimator.kernel(of: BlurDegradation.finished(clean, draws: [draw], noise: noise))
    }

    /// The kernels of a crop: how it is to be blurred, and what is to be taken for its blur.
    ///
    /// - Parameter noise: noise and JPEG are this draw's, the blur is the pair's.
    func take(_ noise: BlurDegradation.Draw, using random: inout CounterStream) -> (
        draw: BlurDegradation.Draw, estimate: BlurKernel
    ) {
        func index() -> Int { min(pairs.count - 1, Int(random.uniform() * Double(pairs.count))) }
        let pair = pairs[index()]
        let other = pairs[index()]
        // A scene's motion has its places and is not turned; photographs are.
        let turned = Int(random.uniform() * 8)
        let pose = pair.draw.scene == nil ? turned : 0
        let isMistaken = random.uniform() < Self.mistakenShare
        var draw = noise
        draw.kind = pair.draw.kind
        draw.kernel = pair.draw.kernel.posed(pose)
        draw.scene = pair.draw.scene
        draw.blursStoredValues = pair.draw.blursStoredValues
        return (draw, (isMistaken ? other : pair).estimate.posed(isMistaken ? turned : pose))
    }

    /// A part of frames with real motion, and what is taken for its blur.
    func motion(size: Int, of frames: FrameSequence, using random: inout CounterStream) -> (
        take: FrameSequence.Take, estimate: BlurKernel
    )? {
        guard !motions.isEmpty else { return nil }
        let motion = motions[min(motions.count - 1, Int(random.uniform() * Double(motions.count)))]
        let part = frames.part(of: motion.take, size: motion.size, partSize: size, using: &random)
        return (part, motion.estimate.posed(part.pose))
    }

    // MARK: threads

    /// Estimates for each thread between two looks at whether to go on: a few seconds.
    private static let stretch = 8

    /// What `body` makes of each index below `count`.
    private static func onAllCores<Element: Sendable>(
        _ count: Int, isCancelled: () -> Bool, _ body: @Sendable (Int) throws -> Element
    ) throws -> [Element] {
        let threads = Device.threads
        // A picture at a time on each core gets more done than one on all.
        let length = threads * stretch
        var made: [Element] = []
        while made.count < count {
            if isCancelled() { throw CancellationError() }
            let first = made.count
            made += try concurrentMap(
                min(length, count - first), workers: threads, prepare: { try? Device.setThreads(1) },
                { index in Result { try body(first + index) } }
            ).map { try $0.get() }
            try Device.setThreads(threads)
        }
        return made
    }
}
