import Degradation
import Diffusion
import Foundation
import ImageTensors
import Tensors

/// Finds out the blur of a picture from the picture alone, one kernel for all of it or one for each part.
///
/// Two steps in turns, from a small version of the picture to the whole: a picture x of few edges is made
/// that the kernel k blurs into the picture y,
///
///     min over x of ‖k ∗ x − y‖² + λ·‖∇x‖₀
///
/// by half-quadratic splitting, and then the kernel that makes y's gradients of x's,
///
///     min over k of ‖∇x ∗ k − ∇y‖² + μ·‖k‖²
///
/// both by division in the frequency domain. Small values of k are dropped, islands of little weight where it is wanted, and
/// its centroid is kept in the middle. Where there is a ``KernelNetwork``, it is asked at each of the larger scales before
/// the last turn, whose picture of few edges is then made with its kernel, and has the last word after it; and λ rises again at the last
/// scale for further passes, in large pictures for each part by itself.
///
/// Source: Xu, Zheng and Jia, "Unnatural L0 sparse representation for natural image deblurring", CVPR 2013;
/// the splitting as in Xu, Lu, Xu and Jia, "Image smoothing via L0 gradient minimization", 2011.
public struct BlurEstimator: Sendable, Codable, Equatable {
    /// Side of the kernel that is looked for, odd, pixels.
    public var side: Int
    /// λ at the coarsest scale, of values in [0, 1]; it falls by a tenth with each iteration.
    public var edgeWeight = 8e-3
    /// What λ never falls below.
    public var leastEdgeWeight = 1e-4
    /// μ for a picture of 255×255 pixels; it grows with the area as the gradients' power does.
    public var kernelWeight = 12.0
    /// Turns at each scale.
    public var iterations = 5
    /// Turns at a scale at which the kernel has its whole side; nil for ``iterations`` at the first such scale and half as
    /// many after.
    public var lastIterations: Int?
    /// The splitting's weight grows from 2λ by this factor up to ``lastSplitting``.
    public var splittingGrowth = 2.0
    public var lastSplitting = 1e3
    /// Values below this part of the largest are no part of the kernel.
    public var threshold = 0.05
    /// Islands with less than this part of the weight are no part of it; 0 leaves all.
    public var leastIsland = 0.0
    /// The power of the stored values that is looked at: 1 for these themselves, 2.2 for about the light that sRGB stands for. It is light that
    /// a blur adds up, so at strong edges stored values obey no kernel; but what a camera made of the light is not known.
    public var exponent = 1.0

    /// λ of further passes at the last scale, where there is a network: with strong edges alone, from the kernel that weak ones have
    /// led to, the network finds its way out of a wrong one. Large pictures have them where their blur is long, the others' parts
    /// begin anew each by itself.
    public var passEdgeWeights = [4e-3, 1e-3]
    /// The same for the parts of a picture, each of which begins with the kernel of the whole picture.
    public var partPassEdgeWeights = [4e-3, 2e-3, 1e-3]

    public init(side: Int = 31) { self.side = side }

    /// How many pixels of the picture in which a predictor should see a blur are one of the picture's own: fewer where a kernel is
    /// long, larger than most of what predictors learn from and than parts of a picture tell. In a smaller picture it is as long as those they
    /// know.
    ///
    /// On ten photographs of 1,920 pixels whose shake was 30 to 41 pixels long predictions with the kernel of one search gained 2.87 dB so, and
    /// 1.89 dB in the pictures as they are. Where a kernel has 0.65, 0.8 and 1 of ``side`` there, 38 kernels of 25 pixels and more,
    /// found for twenty photographs, led to 3.30, 3.29 and 2.98 dB.
    ///
    /// - Parameter extent: that of the largest kernel.
    func scale(for extent: Int) -> Double { min(1, Self.usualShare * Double(side) / Double(extent)) }

    /// Whether the kernel is too long for ``scale(for:)`` to be 1.
    func isLong(_ kernel: BlurKernel) -> Bool { scale(for: kernel.extent) < 1 }

    /// Up to which part of ``side`` a kernel is not long.
    private static let usualShare = 0.8

    /// Whether a kernel is of a blur that is longer than what is looked for at a picture's own pixels. One that was found there can have a
    /// few more than ``side`` since its centroid was moved to its middle.
    func isOutOfReach(_ kernel: BlurKernel) -> Bool { kernel.extent > side + 4 }

    /// Sides of the part of a picture in which the kernel is sought, at most.
    private static let mostPixels = 1024
    /// The same of further passes.
    private static let mostOfPasses = 640
    /// By how much what these lead to in large pictures is preferred to what was there before: now and then they find what was lost,
    /// but more often the kernel becomes a little worse.
    private static let passesPreference = 0.95
    /// Pictures are not made smaller than this to begin with.
    private static let fewestPixels = 150_000
    /// The first level at which a network is asked: the kernel has half its side there.
    private static let firstLearnedLevel = -2

    typealias Observer = (_ clues: KernelClues, _ scale: Double) throws -> Void

    /// Where the whole kernel is first looked for, a large picture is made smaller, so that a long blur is found
    /// as well; from there it goes on to the picture's own pixels as long as the kernel has room.
    ///
    /// - Parameter blurred: 1×3×H×W, sRGB values in [-1, 1]. What is found is the blur of the stored values:
    ///   cameras' curves are not known, and in these a dark edge tells as much as a bright one.
    /// - Returns: the kernel; ``BlurKernel/identity`` for a picture too small to tell.
    /// - Throws: `CancellationError`.
    public func kernel(
        of blurred: Tensor, network: KernelNetwork? = nil, isCancelled: () -> Bool = { false }
    ) throws -> BlurKernel {
        try estimates(
            ofLuma: Self.luma(of: blurred.to(.cpu)), network: network, alone: true, isCancelled: isCancelled)[
                0
            ]
            .kernel
    }

    /// The same of luma, and what the search has come to before and after it began anew, if it did: each is right where the other is not, now
    /// and then.
    ///
    /// - Parameters:
    ///   - gray: what ``luma(of:)`` gives, on the CPU.
    ///   - alone: whether nothing but the first counts.
    ///   - observe: given what a network sees, be there one or not, and how many pixels at that scale are one of the picture's.
    /// - Returns: one or two; what counts where only one can is the first.
    func estimates(
        ofLuma gray: Tensor, network: KernelNetwork? = nil, alone: Bool = false,
        isCancelled: () -> Bool = { false }, observe: Observer? = nil
    ) throws -> [BlurEstimate] {
        try Device.onOneThread {
            try noGrad {
                try sought(seen(gray), network, alone: alone, observe, isCancelled: isCancelled)
            }
        }
    }

    /// Luma to the power of ``exponent``.
    func seen(_ gray: Tensor) throws -> Tensor { try LightCurve(exponent: exponent).light(gray) }

    private func sought(
        _ gray: Tensor, _ network: KernelNetwork?, alone: Bool, _ observe: Observer?,
        isCancelled: () -> Bool
    ) throws -> [BlurEstimate] {
        let (height, width) = (gray.shape[2], gray.shape[3])
        guard PeriodicExtension(height: height, width: width, margin: side).isPossible else {
            return [BlurEstimate(kernel: .identity, estimator: self)]
        }
        // Levels are half octaves: at level 0 the kernel has its whole side, at the last the picture.
        var octaves = 0
        while Self.isLarge(height: height, width: width, octave: octaves) { octaves += 1 }
        let coarsest = -max(0, Int(2 * log2(Double(side) / 5)))
        var search = KernelSearch(self)
        var (reached, last) = (1.0, gray)
        for level in coarsest...(2 * octaves) {
            guard try search.begin(level: level, isFirst: level == coarsest) else { break }
            reached = pow(2, Double(level) / 2) / Double(1 << octaves)
            last = try Self.scaled(gray, by: reached)
            let part = try Self.strongestPart(of: last, by: last, most: Self.mostPixels)
            let isAsked = (network != nil || observe != nil) && level >= Self.firstLearnedLevel
            try look(
                isAsked ? [.first, .last] : [.all], level: level, of: part, &search, network,
                observe: { try observe?($0, reached) }, isCancelled: isCancelled)
        }
        let found = try search.found(scale: reached).kernel
        let isDivided = Self.isDivided(last)
        // In a large picture what it has come to until here is the first.
        guard network != nil, !isDivided || (isLong(found) && !alone) else {
            return [BlurEstimate(kernel: found, estimator: self)]
        }
        let part = try Self.strongestPart(of: last, by: last, most: Self.mostOfPasses).contiguous()
        for weight in passEdgeWeights {
            search.restart(edgeWeight: weight)
            try look(
                [.first, .last], level: 0, of: part, &search, network,
                observe: { try observe?($0, reached) }, isCancelled: isCancelled)
        }
        return estimates(before: found, after: try search.found(scale: reached).kernel, isLarge: isDivided)
    }

    /// - Parameters:
    ///   - before, after: what a search has come to before it began anew, and after.
    ///   - isLarge: whether the picture has parts.
    func estimates(before: BlurKernel, after: BlurKernel, isLarge: Bool) -> [BlurEstimate] {
        func estimate(_ kernel: BlurKernel, _ preference: Double = 1) -> BlurEstimate {
            BlurEstimate(kernel: kernel, preference: preference, estimator: self)
        }
        guard isLarge else { return [estimate(after), estimate(before)] }
        // One that has become much shorter has lost its way.
        guard after.extent * 2 >= before.extent else { return [estimate(before)] }
        return [estimate(before), estimate(after, Self.passesPreference)]
    }

    /// Some turns at a scale, a network being asked after each of them but ``KernelSearch/Turns/all``.
    ///
    /// - Parameters:
    ///   - level: see ``KernelSearch/begin(level:isFirst:)``; 0 in passes, which have all of ``iterations``.
    ///   - poses: in which the network looks.
    func look(
        _ turns: [KernelSearch.Turns], level: Int, of plane: Tensor, _ search: inout KernelSearch,
        _ network: KernelNetwork?, poses: Int = KernelNetwork.usualPoses,
        observe: (KernelClues) throws -> Void = { _ in }, isCancelled: () -> Bool
    ) throws {
        for turn in turns {
            if isCancelled() { throw CancellationError() }
            guard let clues = try search.turn(turn, level: level, of: plane) else { continue }
            try observe(clues)
            if let network { search.follow(try network.kernel(clues, poses: poses)) }
        }
    }

    /// How long a side of a picture is that is made smaller, at least a pixel.
    static func scaled(_ length: Int, by scale: Double) -> Int {
        max(1, Int((Double(length) * scale).rounded()))
    }

    /// N×C×H×W, made smaller; as it is for 1.
    static func scaled(_ plane: Tensor, by scale: Double) throws -> Tensor {
        guard scale < 1 else { return plane }
        return try plane.resized(
            height: scaled(plane.shape[2], by: scale), width: scaled(plane.shape[3], by: scale))
    }

    /// Luma as JPEG weighs it, in [0, 1], 1×1×H×W.
    static func luma(of picture: Tensor) throws -> Tensor {
        func channel(_ index: Int, _ weight: Double) throws -> Tensor {
            try picture.narrowed(1, start: index, count: 1) * (weight / 2)
        }
        return try (channel(0, 0.299) + channel(1, 0.587) + channel(2, 0.114) + 0.5).contiguous()
    }

    /// Whether a picture made smaller by so many octaves is large enough to be made smaller by another.
    static func isLarge(height: Int, width: Int, octave: Int) -> Bool {
        (height * width) >> (2 * (octave + 1)) >= fewestPixels
    }

    /// The part of a large picture with the strongest edges, for what would take long with all of it and gain hardly more.
    ///
    /// - Parameters:
    ///   - picture: 1×C×H×W.
    ///   - gray: what tells where, 1×1×H×W.
    ///   - most: its sides at most.
    /// - Returns: `picture` if it is not large.
    static func strongestPart(of picture: Tensor, by gray: Tensor, most: Int) throws -> Tensor {
        try picture.part(strongestPlace(in: gray, most: most))
    }

    /// Where that part lies.
    static func strongestPlace(in gray: Tensor, most: Int) throws -> PictureRegion {
        let (height, width) = (gray.shape[2], gray.shape[3])
        let (tall, wide) = (min(height, most), min(width, most))
        guard tall < height || wide < width else {
            return PictureRegion(rows: 0..<height, columns: 0..<width)
        }
        let slopes = try gray.forwardDifference(2).squared() + gray.forwardDifference(3).squared()
        func starts(_ length: Int, _ part: Int) -> [Int] {
            let count = (length - part + most / 2 - 1) / (most / 2) + 1
            return (0..<count).map { min($0 * (most / 2), length - part) }
        }
        var best = (power: -1.0, row: 0, column: 0)
        for row in starts(height, tall) {
            let band = try slopes.narrowed(2, start: row, count: tall)
            for column in starts(width, wide) {
                let power = try band.narrowed(3, start: column, count: wide).sum().item()
                if power > best.power { best = (power, row, column) }
            }
        }
        return PictureRegion(
            rows: best.row..<best.row + tall, columns: best.column..<best.column + wide)
    }
}
