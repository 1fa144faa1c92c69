import ImageFiles
import ImageTensors
import Tensors

/// How low-resolution pictures come about outside a laboratory: blur, a change of size, noise
/// and JPEG, and then all of it once more.
///
/// Source: Wang et al., "Real-ESRGAN", 2021, section 3. Its sinc filter is left out; JPEG rings enough.
public struct SecondOrderDegradation: Sendable, Codable, Equatable {
    /// What happens once. Values are drawn uniformly, shares say how often something happens at all.
    public struct Round: Sendable, Codable, Equatable {
        public var blurShare: Double
        /// Standard deviations of a Gaussian along and across, pixels.
        public var blurSigma: DrawRange
        /// The side afterwards: in the first of two rounds as a part of the high resolution's, in the
        /// last as a part of the low resolution's.
        public var resize: DrawRange
        public var noiseShare: Double
        /// Standard deviation, as a part of white.
        public var noise: DrawRange
        /// How often the noise is the same in all three channels.
        public var grayNoiseShare: Double
        public var jpegShare: Double
        /// 1…100.
        public var jpegQuality: DrawRange
    }

    /// One or two.
    public var rounds: [Round]
    /// How often a picture is made small by bicubic and nothing else.
    public var plainShare: Double

    /// - Throws: ``DegradationError`` naming the setting that is out of range.
    public func validate() throws {
        func check(_ share: Double, _ name: String) throws {
            guard (0...1).contains(share) else { throw DegradationError("\(name) must be 0 to 1") }
        }
        guard (1...2).contains(rounds.count) else { throw DegradationError("rounds must be 1 or 2") }
        try check(plainShare, "plainShare")
        for (index, round) in rounds.enumerated() {
            func name(_ key: String) -> String { "rounds.\(index).\(key)" }
            try check(round.blurShare, name("blurShare"))
            try round.blurSigma.check(name("blurSigma"), 0.1, 10)
            try round.resize.check(name("resize"), 0.1, 2)
            try check(round.noiseShare, name("noiseShare"))
            try round.noise.check(name("noise"), 0, 0.5)
            try check(round.grayNoiseShare, name("grayNoiseShare"))
            try check(round.jpegShare, name("jpegShare"))
            try round.jpegQuality.check(name("jpegQuality"), 1, 100)
        }
    }

    // MARK: drawing

    /// What happens to one picture.
    public struct Draw: Sendable, Equatable {
        public struct Step: Sendable, Equatable {
            public var kernel: BlurKernel
            public var noise: Double
            public var isGray: Bool
            /// nil for no JPEG.
            public var jpegQuality: Int?
        }
        public var isPlain: Bool
        public var steps: [Step]
        public var sizes: Sizes
        /// Of its noise.
        public var seed: UInt64
    }

    /// The changes of size; neighbours in a batch share them, so that they are resampled together.
    public struct Sizes: Sendable, Equatable {
        /// One for each round, as parts; see ``Round/resize``.
        public var factors: [Double]
        /// One for each round, and one for the way to the low resolution.
        public var kernels: [ResamplingKernel]
        /// Whether the last JPEG comes before the last change of size.
        public var compressesFirst: Bool
    }

    /// How many pictures of a batch share their sizes. A large batch, which is a GPU's, has few groups: there a group takes
    /// as long to be asked for as it has work.
    static func groupSize(of count: Int) -> Int { max(4, count / 8) }

    /// Draws for a batch.
    public func draws(_ count: Int, using random: inout CounterStream) -> [Draw] {
        var sizes = drawnSizes(&random)
        let groupSize = Self.groupSize(of: count)
        return (0..<count).map { index in
            if index > 0, index % groupSize == 0 { sizes = drawnSizes(&random) }
            let isPlain = random.uniform() < plainShare
            let steps = rounds.map { round in
                let isBlurred = random.uniform() < round.blurShare
                let (along, across) = (
                    round.blurSigma.draw(using: &random), round.blurSigma.draw(using: &random)
                )
                let angle = random.uniform() * .pi
                let isNoisy = random.uniform() < round.noiseShare
                let noise = round.noise.draw(using: &random)
                let isGray = random.uniform() < round.grayNoiseShare
                let isCompressed = random.uniform() < round.jpegShare
                let quality = Int(round.jpegQuality.draw(using: &random).rounded())
                return Draw.Step(
                    kernel: isBlurred
                        ? .gaussian(sigma: along, across: across, angle: angle) : .identity,
                    noise: isNoisy ? noise : 0, isGray: isGray, jpegQuality: isCompressed ? quality : nil)
            }
            return Draw(isPlain: isPlain, steps: steps, sizes: sizes, seed: random.next())
        }
    }

    private func drawnSizes(_ random: inout CounterStream) -> Sizes {
        func kernel() -> ResamplingKernel {
            let kernels: [ResamplingKernel] = [.bilinear, .bicubic, .lanczos3]
            return kernels[Int(random.uniform() * 3)]
        }
        let factors = rounds.map { $0.resize.draw(using: &random) }
        return Sizes(
            factors: factors, kernels: (0...rounds.count).map { _ in kernel() },
            compressesFirst: random.uniform() < 0.5)
    }

    // MARK: doing it

    /// Low-resolution pictures, rounded to 8 bits.
    ///
    /// - Parameters:
    ///   - hr: N×3×H×W in [-1, 1], on any device.
    ///   - draws: one for each picture.
    /// - Returns: N×3×height×width in [-1, 1].
    public static func degraded(_ hr: Tensor, height: Int, width: Int, draws: [Draw]) throws -> Tensor {
        try noGrad {
            var parts: [Tensor] = []
            var start = 0
            while start < draws.count {
                let sizes = draws[start].sizes
                let end = draws[start...].firstIndex { $0.sizes != sizes } ?? draws.count
                parts.append(
                    try group(
                        hr.narrowed(0, start: start, count: end - start), height: height, width: width,
                        draws: Array(draws[start..<end])))
                start = end
            }
            return try Tensor.concatenated(parts, dim: 0)
        }
    }

    /// The same for pictures that share their sizes.
    private static func group(_ hr: Tensor, height: Int, width: Int, draws: [Draw]) throws -> Tensor {
        let sizes = draws[0].sizes
        let large = hr.shape
        var picture = hr
        for (round, factor) in sizes.factors.enumerated() {
            let isLast = round + 1 == sizes.factors.count
            let steps = draws.map { $0.steps[round] }
            let margin = (steps.map(\.kernel.side).max() ?? 1) / 2
            if margin > 0 {
                picture = try BlurDegradation.blurred(
                    picture.reflectPadded(by: margin), margin: margin, kernels: steps.map(\.kernel))
            }
            let (rows, columns) = isLast ? (height, width) : (large[2], large[3])
            picture = try picture.resized(
                height: max(1, Int((Double(rows) * factor).rounded())),
                width: max(1, Int((Double(columns) * factor).rounded())), kernel: sizes.kernels[round])
            picture = try noisy(picture, steps, seeds: draws.map { $0.seed &+ UInt64(round) }).quantized()
            func compressed(_ picture: Tensor) throws -> Tensor {
                try JPEGCompression.compressed(picture, qualities: steps.map(\.jpegQuality))
            }
            if isLast {
                let small = try sizes.compressesFirst ? compressed(picture) : picture
                let final = try small.resized(height: height, width: width, kernel: sizes.kernels[round + 1])
                    .quantized()
                picture = try sizes.compressesFirst ? final : compressed(final)
            } else {
                picture = try compressed(picture)
            }
        }
        guard draws.contains(where: \.isPlain) else { return picture }
        let plain = try hr.resized(height: height, width: width).quantized()
        let isPlain = try Tensor(draws.map { $0.isPlain ? Float(1) : 0 }).to(hr.device).perSample()
        return try (picture + (plain - picture) * isPlain).quantized()
    }

    /// - Parameter seeds: one for each picture, so that its noise does not depend on its neighbours.
    private static func noisy(_ picture: Tensor, _ steps: [Draw.Step], seeds: [UInt64]) throws -> Tensor {
        guard steps.contains(where: { $0.noise > 0 }) else { return picture }
        let noise = try Tensor.concatenated(
            steps.indices.map { index in
                let one = try picture.narrowed(0, start: index, count: 1)
                return try steps[index].noise > 0 ? NoiseSource.normal(like: one, seed: seeds[index]) : one
            }, dim: 0)
        let isGray = try Tensor(steps.map { $0.isGray ? Float(1) : 0 }).to(picture.device).perSample()
        let first = try noise.narrowed(1, start: 0, count: 1)
        let deviation = try Tensor(steps.map { Float($0.noise * 2) }).to(picture.device).perSample()
        return try picture + (noise + (first - noise) * isGray) * deviation
    }
}
