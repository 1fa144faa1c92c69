import Deblur
import Degradation
import Foundation
import Tensors

/// What a network for kernels learns from: photographs are blurred by kernels that are known, what is seen while the blur is looked
/// for is written down at each scale, and the true kernel at that scale beside it.
///
/// The network that learns takes no part in the search, so that a resumed run has the same lessons; another may, best an
/// earlier state of it. What is seen then are places where a network's kernels led, as when it is used.
///
/// Source: for learning from where a learner leads, Ross, Gordon and Bagnell, "A reduction of imitation learning and structured
/// prediction to no-regret online learning", AISTATS 2011.
struct KernelLessons: Sendable {
    /// M×planes×side×side, float16, and M×1×side×side, their centroids in the middle.
    private let clues: Tensor
    private let kernels: Tensor

    /// Sides of what is blurred and looked at, at most.
    private static let side = 400
    /// The same of large photographs, whose shorter side has at least so many: as much as a search looks at at once.
    private static let (largeSide, fewestPixels) = (1024, 900)
    private static let stretch = 8
    /// Raised when other lessons are made for the same settings and pictures.
    private static let version = 2

    /// - Parameters:
    ///   - count: of photographs.
    ///   - large: of how many more, large ones, with blurs of up to ``BlurDegradation/longestPath`` pixels. What is found in them on the way
    ///     to their own pixels is seen nowhere else.
    ///   - side: of the network's planes.
    ///   - search: takes part in the search.
    ///   - seed: all kernels, photographs and places follow from it.
    ///   - cache: a folder where lessons are kept for the next run that would make the same; nil for none.
    /// - Throws: `CancellationError`; ``DataError`` where no picture is large enough.
    init(
        _ count: Int, large: Int = 0, of deconvolution: Deconvolution, side: Int,
        search: KernelNetwork? = nil,
        degradation: BlurDegradation, photos: PhotoCollection, seed: UInt64, cache: String? = nil,
        isCancelled: () -> Bool = { false }
    ) throws {
        let cache = try cache.map {
            try Self.cache(
                in: $0, count, large, deconvolution, search, degradation, photos: photos, seed: seed)
        }
        if let kept = cache.flatMap({ Self.read($0, side: side) }) {
            (clues, kernels) = kept
            return
        }
        let largePhotos = photos.photos.indices.filter {
            min(photos.photos[$0].width, photos.photos[$0].height) >= Self.fewestPixels
        }
        guard large == 0 || !largePhotos.isEmpty else {
            throw DataError(
                "data.largeKernelEstimates: no picture has \(Self.fewestPixels) pixels a side")
        }
        let longer = degradation.scaled(by: BlurDegradation.longestPath / max(1, degradation.extent.high))
        let made = try Device.oneOnEachThread(
            count + large, stretch: Self.stretch, isCancelled: isCancelled
        ) { index in
            let isLarge = index >= count
            let degradation = isLarge ? longer : degradation
            var random = CounterStream(seed: seed, stream: UInt64.max / 2 - UInt64(index))
            let photograph = BlurredPhotograph(
                of: photos, among: isLarge ? largePhotos : nil, side: isLarge ? Self.largeSide : Self.side,
                degradation: degradation, using: &random)
            // Motion that differs from place to place has no kernel.
            guard photograph.draw.scene == nil else { return [Lesson]() }
            let clean = try photograph.exposed(from: photos, margin: degradation.margin).blurred
            let blurred = try BlurredPhotograph.finished(clean, photograph.draw, photograph.rest)
            return try deconvolution.clues(of: blurred, way: index, network: search).compactMap { seen in
                let kernel = photograph.draw.kernel.scaled(by: seen.scale)
                guard kernel.side <= side else { return nil }
                return Lesson(
                    clues: try seen.planes.to(.float16),
                    kernel: try BlurKernel.planes([kernel], side: side).reshaped([1, side, side]))
            }
        }.flatMap(\.self)
        guard !made.isEmpty else {
            throw DataError("no picture is large enough to look for its blur, or none is blurred by a kernel")
        }
        clues = try Tensor.stacked(made.map(\.clues))
        kernels = try Tensor.stacked(made.map(\.kernel))
        cache?.save([("clues", clues), ("kernels", kernels)])
    }

    private struct Lesson {
        let clues: Tensor
        let kernel: Tensor
    }

    var count: Int { clues.shape[0] }

    /// Lessons in a pose that is drawn, n×planes×side×side and n×1×side×side of float32.
    func batch(_ shard: BatchShard, using random: inout CounterStream, device: Device) throws -> (
        clues: Tensor, kernels: Tensor
    ) {
        let chosen = (0..<shard.batchSize).map { _ in min(count - 1, Int(random.uniform() * Double(count))) }
        let pose = min(7, Int(random.uniform() * 8))
        let indices = try Tensor(indices: Array(chosen[shard.range]))
        func part(_ all: Tensor) throws -> Tensor {
            try all.selected(0, indices: indices).to(.float32).posed(pose).contiguous().to(device)
        }
        return (try part(clues), try part(kernels))
    }

    // MARK: file

    private static func cache(
        in folder: String, _ count: Int, _ large: Int, _ deconvolution: Deconvolution,
        _ search: KernelNetwork?,
        _ degradation: BlurDegradation, photos: PhotoCollection, seed: UInt64
    ) throws -> TensorCache {
        try TensorCache(
            "kernel-lessons", in: folder, version: version,
            of: [
                "\(count) \(seed) \(side)" + (large > 0 ? " \(large) \(largeSide) \(fewestPixels)" : ""),
                "\(photos.photos.map { [$0.width, $0.height] })",
                TensorCache.text(of: deconvolution.settings(estimates: Deconvolution.mostEstimates)),
                TensorCache.text(of: deconvolution), TensorCache.text(of: degradation),
                search?.digest() ?? "no network",
            ])
    }

    /// Nil where there are none, or the file is damaged.
    private static func read(_ cache: TensorCache, side: Int) -> (clues: Tensor, kernels: Tensor)? {
        guard let file = cache.file(), let clues = try? file.tensor("clues"),
            let kernels = try? file.tensor("kernels"), clues.rank == 4, clues.shape[0] > 0,
            clues.shape[3] == side, kernels.shape == [clues.shape[0], 1, side, side]
        else { return nil }
        return (clues, kernels)
    }
}
