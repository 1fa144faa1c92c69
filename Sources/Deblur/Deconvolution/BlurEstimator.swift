import Degradation
import Foundation
import ImageTensors
import Tensors

/// Finds out the blur of a picture from the picture alone, one kernel for all of it.
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
/// its centroid is kept in the middle. Where there is a ``KernelNetwork``, it has the last word at each of the
/// larger scales.
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

    public init(side: Int = 31) { self.side = side }

    /// Sides of the part of a picture in which the kernel is sought, at most.
    private static let mostPixels = 1024
    /// Pictures are not made smaller than this to begin with.
    private static let fewestPixels = 150_000
    /// The first level at which a network is asked: the kernel has half its side there.
    private static let firstLearnedLevel = -2
    /// A network tells faint parts from noise, and hardly anything of its kernels is dropped.
    private static let learnedThreshold = 0.005

    typealias Observer = (_ clues: KernelClues, _ scale: Double) throws -> Void

    /// A kernel while it is looked for: not centred to fractions of a pixel.
    private struct Guess {
        var side: Int
        var values: [Float]
    }

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
        try kernel(ofLuma: Self.luma(of: blurred.to(.cpu)), network: network, isCancelled: isCancelled)
    }

    /// - Parameters:
    ///   - gray: what ``luma(of:)`` gives, on the CPU.
    ///   - observe: given what a network sees, be there one or not, and how many pixels at that scale are one of the picture's.
    func kernel(
        ofLuma gray: Tensor, network: KernelNetwork? = nil, isCancelled: () -> Bool = { false },
        observe: Observer? = nil
    ) throws -> BlurKernel {
        try Device.onOneThread { try noGrad { try sought(gray, network, observe, isCancelled: isCancelled) } }
    }

    private func sought(
        _ gray: Tensor, _ network: KernelNetwork?, _ observe: Observer?, isCancelled: () -> Bool
    ) throws -> BlurKernel {
        let (height, width) = (gray.shape[2], gray.shape[3])
        guard PeriodicExtension(height: height, width: width, margin: side).isPossible else {
            return .identity
        }
        // Levels are half octaves: at level 0 the kernel has its whole side, at the last the picture.
        var octaves = 0
        while Self.isLarge(height: height, width: width, octave: octaves) { octaves += 1 }
        let coarsest = -max(0, Int(2 * log2(Double(side) / 5)))
        var guess = Guess(side: 3, values: [0, 0, 0, 0.3, 0.4, 0.3, 0, 0, 0])
        var weight = edgeWeight
        var reached = 1.0
        var learned: Guess?
        for level in coarsest...(2 * octaves) {
            if isCancelled() { throw CancellationError() }
            let size = pow(2, Double(level) / 2)
            if level == coarsest {
                guess = croppedOrPadded(guess, side: odd(Double(side) * size))
            } else if level <= 0 {
                guess = try enlarged(guess, side: odd(Double(side) * size))
            } else {
                let next = try enlarged(guess, side: odd(Double(side) * 2.0.squareRoot()))
                guard extent(next) < side else { break }
                guess = cleaned(croppedOrPadded(next, side: side))
            }
            reached = size / Double(1 << octaves)
            let plane =
                try level == 2 * octaves
                ? gray
                : gray.resized(
                    height: Int((Double(height) * reached).rounded()),
                    width: Int((Double(width) * reached).rounded()))
            let part = try Self.strongestPart(
                of: plane, by: plane, most: Self.mostPixels)
            let usual = level > 0 ? (iterations + 1) / 2 : iterations
            let evidence = try alternate(
                &guess, of: part, &weight, iterations: level < 0 ? usual : lastIterations ?? usual)
            // That of the scale before is of other pixels.
            learned = nil
            guard network != nil || observe != nil, let evidence, level >= Self.firstLearnedLevel else {
                continue
            }
            let clues = try KernelClues(
                guess.values, guessSide: guess.side, evidence, of: part, side: KernelClues.side(of: side))
            try observe?(clues, reached)
            if let network {
                let improved = centred(Guess(side: clues.side, values: try network.kernel(clues)))
                learned = improved
                guess = cleaned(croppedOrPadded(improved, side: guess.side))
            }
        }
        if let learned { guess = cleaned(learned, threshold: Self.learnedThreshold) }
        if reached < 1 {
            guess = try enlarged(
                guess, side: odd(Double(guess.side) / reached),
                threshold: learned == nil ? threshold : Self.learnedThreshold)
        }
        return try BlurKernel(side: guess.side, values: guess.values)
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

    private func odd(_ side: Double) -> Int {
        let whole = max(3, Int(side.rounded()))
        return whole % 2 == 0 ? whole + 1 : whole
    }

    /// Longer side of the box around a kernel's values, pixels.
    private func extent(_ guess: Guess) -> Int {
        let held = guess.values.indices.filter { guess.values[$0] > 0 }
        func length(_ places: [Int]) -> Int { (places.max() ?? 0) - (places.min() ?? 0) }
        return max(length(held.map { $0 / guess.side }), length(held.map { $0 % guess.side }))
    }

    /// The part of a large picture with the strongest edges, for what would take long with all of it and gain hardly more.
    ///
    /// - Parameters:
    ///   - picture: 1×C×H×W.
    ///   - gray: what tells where, 1×1×H×W.
    ///   - most: its sides at most.
    /// - Returns: `picture` if it is not large.
    static func strongestPart(of picture: Tensor, by gray: Tensor, most: Int) throws -> Tensor {
        let (height, width) = (gray.shape[2], gray.shape[3])
        let (tall, wide) = (min(height, most), min(width, most))
        guard tall < height || wide < width else { return picture }
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
        return try picture.narrowed(2, start: best.row, count: tall)
            .narrowed(3, start: best.column, count: wide)
    }

    /// With zeros around it, or without its edge.
    private func croppedOrPadded(_ guess: Guess, side: Int) -> Guess {
        var values = [Float](repeating: 0, count: side * side)
        let offset = (side - guess.side) / 2
        for row in max(0, -offset)..<min(guess.side, side - offset) {
            for column in max(0, -offset)..<min(guess.side, side - offset) {
                values[(row + offset) * side + column + offset] = guess.values[row * guess.side + column]
            }
        }
        return Guess(side: side, values: values)
    }

    private func enlarged(_ guess: Guess, side: Int, threshold: Double? = nil) throws -> Guess {
        let large = try Tensor(guess.values, shape: [1, 1, guess.side, guess.side])
            .resized(height: side, width: side)
        return cleaned(Guess(side: side, values: try large.floats()), threshold: threshold)
    }

    // MARK: a scale

    /// The iterations at one scale: latent picture and kernel in turns.
    ///
    /// - Parameter plane: the blurred picture at it, 1×1×H×W.
    /// - Returns: from what the last kernel was made; nil where the scale is too small to tell.
    private func alternate(
        _ guess: inout Guess, of plane: Tensor, _ weight: inout Double, iterations: Int
    ) throws -> KernelClues.Evidence? {
        let plan = PeriodicExtension(height: plane.shape[2], width: plane.shape[3], margin: guess.side)
        guard plan.isPossible else { return nil }
        let blurred = try plan.extended(plane)
        let spectrum = try blurred.fourier(height: plan.tall, width: plan.wide)
        let gradientPower = try plan.gradientPower()
        let window = try plan.window(inset: guess.side / 2)
        let down = try (blurred.forwardDifference(2) * window).fourier(height: plan.tall, width: plan.wide)
        let right = try (blurred.forwardDifference(3) * window).fourier(height: plan.tall, width: plan.wide)
        var evidence: KernelClues.Evidence?
        for _ in 0..<iterations {
            let blur = try plan.spectrum(side: guess.side, values: guess.values)
            let sharp = try latentPicture(
                spectrum, of: blurred, blur: blur, power: gradientPower, plan, weight)
            func transformed(_ dim: Int) throws -> Tensor {
                try (sharp.forwardDifference(dim) * window).fourier(height: plan.tall, width: plan.wide)
            }
            let (sharpDown, sharpRight) = try (transformed(2), transformed(3))
            let correlation = try sharpDown.conjugated() * down + sharpRight.conjugated() * right
            let power = try sharpDown.magnitude().squared() + sharpRight.magnitude().squared()
            let found = try kernel(correlation, power, plan, side: guess.side)
            let move = centring(found)
            guess = moved(found, by: move)
            evidence = .init(correlation: correlation, power: power, plan: plan, move: move)
            weight = max(weight / 1.1, leastEdgeWeight)
        }
        return evidence
    }

    /// From the gradients' spectra.
    ///
    /// - Parameters:
    ///   - correlation: of the sharp picture's with the blurred one's, complex.
    ///   - power: of the sharp picture's, real.
    private func kernel(_ correlation: Tensor, _ power: Tensor, _ plan: PeriodicExtension, side: Int)
        throws
        -> Guess
    {
        // μ for a picture of this size.
        let ridge = kernelWeight * Double(plan.tall * plan.wide) / (255 * 255)
        let values = try plan.around(correlation / (power + ridge), reach: side / 2)
        return cleaned(Guess(side: side, values: values))
    }

    /// The picture of few edges that the kernel blurs into the one there is.
    ///
    /// - Parameters:
    ///   - spectrum: of the blurred picture.
    ///   - blurred: from which the splitting starts.
    private func latentPicture(
        _ spectrum: Tensor, of blurred: Tensor, blur: Tensor, power: Tensor, _ plan: PeriodicExtension,
        _ weight: Double
    ) throws -> Tensor {
        let seen = try blur.conjugated() * spectrum
        let blurPower = try blur.magnitude().squared()
        var sharp = blurred
        var splitting = 2 * weight
        while splitting < lastSplitting {
            let edges = try EdgeSplitting.strongEdges(of: sharp, above: weight / splitting)
            sharp = try EdgeSplitting.solution(
                seen: seen, edges: edges.fourier(height: plan.tall, width: plan.wide), blurPower: blurPower,
                gradientPower: power, splitting: splitting
            ).inverseFourier(height: plan.tall, width: plan.wide)
            splitting *= splittingGrowth
        }
        return sharp
    }

    // MARK: kernels

    /// Without negative and small values and islands of little weight, of sum 1.
    private func cleaned(_ guess: Guess, threshold: Double? = nil) -> Guess {
        var guess = guess
        let largest = guess.values.max() ?? 0
        let least = max(0, Float(threshold ?? self.threshold) * largest)
        for index in guess.values.indices where !(guess.values[index] >= least) { guess.values[index] = 0 }
        let total = guess.values.reduce(0, +)
        guard total > 0, total.isFinite else {
            guess.values = guess.values.map { _ in 0 }
            guess.values[guess.values.count / 2] = 1
            return guess
        }
        for island in islands(guess) {
            let share = island.reduce(0) { $0 + guess.values[$1] } / total
            if share < Float(leastIsland) { for index in island { guess.values[index] = 0 } }
        }
        let rest = guess.values.reduce(0, +)
        guard rest > 0 else {
            guess.values[guess.values.count / 2] = 1
            return guess
        }
        guess.values = guess.values.map { $0 / rest }
        return guess
    }

    /// Indices of the values above 0, by neighbourhood of eight.
    private func islands(_ guess: Guess) -> [[Int]] {
        let side = guess.side
        var seen = guess.values.map { $0 <= 0 }
        var found: [[Int]] = []
        for start in guess.values.indices where !seen[start] {
            seen[start] = true
            var island = [start]
            var next = 0
            while next < island.count {
                let (row, column) = (island[next] / side, island[next] % side)
                next += 1
                for y in max(0, row - 1)...min(side - 1, row + 1) {
                    for x in max(0, column - 1)...min(side - 1, column + 1) where !seen[y * side + x] {
                        seen[y * side + x] = true
                        island.append(y * side + x)
                    }
                }
            }
            found.append(island)
        }
        return found
    }

    /// Moved by whole pixels so that the centroid lies in the middle.
    private func centred(_ guess: Guess) -> Guess { moved(guess, by: centring(guess)) }

    /// How far the middle is from the centroid, whole pixels.
    private func centring(_ guess: Guess) -> (down: Int, right: Int) {
        let side = guess.side
        var (y, x) = (0.0, 0.0)
        for index in guess.values.indices {
            y += Double(guess.values[index]) * Double(index / side)
            x += Double(guess.values[index]) * Double(index % side)
        }
        return (side / 2 - Int(y.rounded()), side / 2 - Int(x.rounded()))
    }

    /// What leaves enters at the other side.
    private func moved(_ guess: Guess, by move: (down: Int, right: Int)) -> Guess {
        let side = guess.side
        var moved = guess
        for index in guess.values.indices {
            let row = (index / side + move.down + side) % side
            let column = (index % side + move.right + side) % side
            moved.values[row * side + column] = guess.values[index]
        }
        return moved
    }
}
