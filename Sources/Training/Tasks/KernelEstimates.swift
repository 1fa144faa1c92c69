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
    /// Estimates for each thread between two looks at whether to go on: a few seconds.
    private static let stretch = 8

    /// - Parameters:
    ///   - count: of pairs; there are a sixth as many motions, if there are frames.
    ///   - deconvolution: what will take the blur out.
    ///   - network: what improves its estimates.
    ///   - ways: in how many the blur is looked for; the best of them counts (``Deconvolution/bestKernel(of:sharp:estimates:)``).
    ///   - seed: all kernels, photographs and places follow from it.
    ///   - cache: a folder where estimates are kept for the next run that would make the same; nil for none.
    /// - Throws: `CancellationError`.
    init(
        _ count: Int, of deconvolution: Deconvolution, network: KernelNetwork? = nil, ways: Int,
        degradation: BlurDegradation,
        photos: PhotoCollection, frames: FrameSequence?, seed: UInt64, cache: String? = nil,
        isCancelled: () -> Bool = { false }
    ) throws {
        let margin = degradation.margin
        var plans = (0..<count).map { index in
            var random = Self.random(seed, index)
            let photograph = BlurredPhotograph(
                of: photos, side: Self.side, degradation: degradation, using: &random)
            return Plan(
                subject: .photograph(photograph), draw: photograph.draw, rest: photograph.rest)
        }
        if let frames {
            plans += (count..<(count + (count + 5) / 6)).map { index in
                var random = Self.random(seed, index)
                let size = min(Self.side, frames.largestCrop)
                let take = frames.take(size: size, using: &random).upright
                return Plan(
                    subject: .frames(frames, take, size: size), draw: degradation.draw(using: &random),
                    rest: random)
            }
        }
        let store = try cache.map { folder in
            try EstimateStore(
                folder: folder, count: plans.count,
                of: [
                    TensorCache.text(of: deconvolution.settings(estimates: ways)),
                    TensorCache.text(of: deconvolution), TensorCache.text(of: degradation),
                    network?.digest() ?? "no network", "\(count) \(seed) \(Self.side)",
                    "\(photos.photos.map { [$0.width, $0.height] })",
                    frames?.description ?? "no frames",
                ])
        }
        let estimates: [BlurKernel]
        if let kept = store?.load() {
            estimates = kept
        } else {
            estimates = try Device.oneOnEachThread(
                plans.count, stretch: Self.stretch, isCancelled: isCancelled
            ) { [plans] index in
                let plan = plans[index]
                let (clean, sharp) =
                    switch plan.subject {
                    case .photograph(let photograph): try photograph.exposed(from: photos, margin: margin)
                    case .frames(let frames, let take, let size):
                        try Self.averaged(frames, take, size: size)
                    }
                return try deconvolution.bestKernel(
                    of: BlurredPhotograph.finished(clean, plan.draw, plan.rest), sharp: sharp,
                    estimates: ways, network: network)
            }
            store?.save(estimates)
        }
        var (pairs, motions): ([Pair], [Motion]) = ([], [])
        for (plan, estimate) in zip(plans, estimates) {
            switch plan.subject {
            case .photograph: pairs.append(Pair(draw: plan.draw, estimate: estimate))
            case .frames(_, let take, let size):
                motions.append(Motion(take: take, size: size, estimate: estimate))
            }
        }
        (self.pairs, self.motions) = (pairs, motions)
    }

    private static func random(_ seed: UInt64, _ index: Int) -> CounterStream {
        CounterStream(seed: seed, stream: UInt64.max / 2 - UInt64(index))
    }

    /// What is blurred and looked at.
    private struct Plan: Sendable {
        enum Subject: Sendable {
            case photograph(BlurredPhotograph)
            case frames(FrameSequence, FrameSequence.Take, size: Int)
        }

        let subject: Subject
        /// Of frames its noise and compression alone.
        let draw: BlurDegradation.Draw
        /// The numbers that its noise is drawn from.
        let rest: CounterStream
    }

    private static func averaged(_ frames: FrameSequence, _ take: FrameSequence.Take, size: Int) throws -> (
        blurred: Tensor, sharp: Tensor
    ) {
        let pair = try frames.pairs([take], size: size, sumsStoredValues: [false])
        return (try pair.means.to(.cpu), try pair.middles.to(.cpu).to(.float32) / 127.5 - 1)
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
        draw.highlight = pair.draw.highlight
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
}
