import Foundation
import ImageTensors
import Tensors

/// How a blurred photograph is made from a sharp one: blur in linear light, then sRGB, then
/// sensor noise, then JPEG. Cameras have curves unlike sRGB's, and some pictures are blurred after
/// they were stored: a share can be blurred in stored values instead.
public struct BlurDegradation: Sendable, Codable, Equatable {
    /// Where blur can come from.
    public enum Kind: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
        case shake, linear, rotation, defocus, gaussian
        /// A moving camera and a thing that moves by itself; see ``SceneMotion``.
        case scene
        /// No blur: only noise and JPEG, or nothing at all.
        case none
    }

    public typealias Range = DrawRange

    /// How often each kind is drawn, relative to the others.
    public var shares: [Kind: Double]
    /// Longer side of a motion's bounding box (shake) or its length (linear, rotation), pixels.
    public var extent: Range
    /// Length of the paths in a scene, pixels; nil for those of `extent`.
    public var sceneExtent: Range?
    /// Radius of the disc of a lens out of focus, pixels.
    public var defocusRadius: Range
    /// Standard deviation of a Gaussian, pixels.
    public var gaussianSigma: Range
    /// Standard deviation of noise that does not depend on the light, as a part of white.
    public var readNoise: Range
    /// Variance of the noise of a white pixel, as a part of white; it falls with the value.
    public var shotNoise: Range
    /// How often there is no noise at all.
    public var noiselessShare: Double
    /// How often the picture went through JPEG, and its quality, 1…100.
    public var jpegShare: Double
    public var jpegQuality: Range
    /// How often the blur is a sum of stored values instead of linear light; nil for never.
    public var storedValuesShare: Double?
    /// How often white is where a sensor has clipped more light, and how many times as bright as white that was. A sharp picture does
    /// not tell; blurred, what was brighter leaves wide white smears, which no kernel makes of what is left. nil for never.
    ///
    /// Source: Rim, Kim, Kim, Lee and Cho, "Realistic blur synthesis for learning image deblurring", ECCV 2022, for the need of it.
    public var highlightShare: Double?
    public var highlights: Range?

    public init(
        shares: [Kind: Double] = [.shake: 1], extent: Range = Range(5, 25), sceneExtent: Range? = nil,
        defocusRadius: Range = Range(1, 5), gaussianSigma: Range = Range(0.5, 3),
        readNoise: Range = Range(0, 0.01), shotNoise: Range = Range(0, 0.0002), noiselessShare: Double = 0,
        jpegShare: Double = 0, jpegQuality: Range = Range(70, 95), storedValuesShare: Double? = nil,
        highlightShare: Double? = nil, highlights: Range? = nil
    ) {
        self.shares = shares
        self.extent = extent
        self.sceneExtent = sceneExtent
        self.defocusRadius = defocusRadius
        self.gaussianSigma = gaussianSigma
        self.readNoise = readNoise
        self.shotNoise = shotNoise
        self.noiselessShare = noiselessShare
        self.jpegShare = jpegShare
        self.jpegQuality = jpegQuality
        self.storedValuesShare = storedValuesShare
        (self.highlightShare, self.highlights) = (highlightShare, highlights)
    }

    /// - Throws: ``DegradationError`` naming the setting that is out of range.
    public func validate() throws {
        guard shares.values.allSatisfy({ $0 >= 0 && $0.isFinite }), shares.values.contains(where: { $0 > 0 })
        else { throw DegradationError("shares must not be negative, and one must be above 0") }
        try extent.check("extent", 0, Self.longestPath)
        try sceneExtent?.check("sceneExtent", 0, Self.longestPath)
        try defocusRadius.check("defocusRadius", 0, Self.largestRadius)
        try gaussianSigma.check("gaussianSigma", 0, Self.largestSigma)
        try readNoise.check("readNoise", 0, 0.5)
        try shotNoise.check("shotNoise", 0, 0.1)
        try jpegQuality.check("jpegQuality", 1, 100)
        guard (0...1).contains(noiselessShare) else {
            throw DegradationError("noiselessShare must be 0 to 1")
        }
        guard (0...1).contains(jpegShare) else { throw DegradationError("jpegShare must be 0 to 1") }
        guard (0...1).contains(storedValuesShare ?? 0) else {
            throw DegradationError("storedValuesShare must be 0 to 1")
        }
        try highlights?.check("highlights", 1, Self.brightest)
        guard (0...1).contains(highlightShare ?? 0) else {
            throw DegradationError("highlightShare must be 0 to 1")
        }
        guard highlightShare ?? 0 == 0 || highlights != nil else {
            throw DegradationError("highlightShare needs highlights, how bright they are")
        }
    }

    /// Blurs so many times as long, as far as settings may go; noise and compression stay as they are.
    public func scaled(by factor: Double) -> BlurDegradation {
        var scaled = self
        scaled.extent = extent.scaled(by: factor, upTo: Self.longestPath)
        scaled.sceneExtent = sceneExtent?.scaled(by: factor, upTo: Self.longestPath)
        scaled.defocusRadius = defocusRadius.scaled(by: factor, upTo: Self.largestRadius)
        scaled.gaussianSigma = gaussianSigma.scaled(by: factor, upTo: Self.largestSigma)
        return scaled
    }

    /// As `extent` and `sceneExtent`, pixels: as far as ``SceneMotion/moments`` are dense enough for.
    public static let longestPath = 41.0

    private static let (largestRadius, largestSigma) = (20.0, 10.0)

    /// The most of `highlights`.
    private static let brightest = 100.0

    /// The largest margin of sharp pixels around a picture that any kernel of these settings sees.
    public var margin: Int {
        func isDrawn(_ kind: Kind) -> Bool { (shares[kind] ?? 0) > 0 }
        let kernel = [Kind.shake, .linear, .rotation].contains(where: isDrawn) ? extent.high : 0
        // A scene is seen from the middle of its exposure.
        let scene = isDrawn(.scene) ? SceneMotion.reach * (sceneExtent ?? extent).high : 0
        let motion = max(kernel, scene)
        let disc = isDrawn(.defocus) ? defocusRadius.high : 0
        let gauss = isDrawn(.gaussian) ? (3 * gaussianSigma.high).rounded(.up) : 0
        return Int(max(motion, disc, gauss).rounded(.up)) + 1
    }

    /// What happens to one picture.
    public struct Draw: Sendable, Equatable {
        public var kind: Kind
        /// No blur where there is a scene.
        public var kernel: BlurKernel
        public var scene: SceneMotion?
        public var readNoise: Double
        public var shotNoise: Double
        /// nil for no JPEG.
        public var jpegQuality: Int?
        /// Whether the blur is a sum of stored values, and not of light.
        public var blursStoredValues: Bool = false
        /// How many times as bright as white what is white was; 1 where blur is a sum of stored values.
        public var highlight = 1.0

        /// So much of the sharp picture should be there around the part that is wanted, pixels.
        public var margin: Int { max(kernel.side / 2, Int((scene?.camera.reach ?? 0).rounded(.up))) }
    }

    /// One picture's draw; every draw takes its numbers in the same order.
    ///
    /// - Parameter kind: nil to draw it by ``shares``.
    public func draw(_ kind: Kind? = nil, using random: inout CounterStream) -> Draw {
        let drawn = kind ?? self.drawnKind(random.uniform())
        // A stream of the picture's own: a kernel may take any number of values.
        var own = CounterStream(seed: random.next())
        var kernel = BlurKernel.identity
        var scene: SceneMotion?
        switch drawn {
        case .shake: kernel = .cameraShake(extent: extent.draw(using: &own), using: &own)
        case .linear:
            kernel = .linear(length: extent.draw(using: &own), angle: own.uniform() * .pi)
        case .rotation:
            kernel = .arc(
                length: extent.draw(using: &own), angle: own.uniform() * 2 * .pi,
                turn: .pi * (0.2 + 0.8 * own.uniform()))
        case .defocus: kernel = .defocus(radius: defocusRadius.draw(using: &own))
        case .gaussian: kernel = .gaussian(sigma: gaussianSigma.draw(using: &own))
        case .scene: scene = .drawn(extent: sceneExtent ?? extent, using: &own)
        case .none: break
        }
        let isNoisy = own.uniform() >= noiselessShare
        let (read, shot) = (readNoise.draw(using: &own), shotNoise.draw(using: &own))
        let quality = jpegQuality.draw(using: &own).rounded()
        let isCompressed = own.uniform() < jpegShare
        let blursStoredValues = own.uniform() < storedValuesShare ?? 0
        let isBright = own.uniform() < highlightShare ?? 0
        let highlight = highlights?.draw(using: &own) ?? 1
        return Draw(
            kind: drawn, kernel: kernel, scene: scene, readNoise: isNoisy ? read : 0,
            shotNoise: isNoisy ? shot : 0,
            jpegQuality: isCompressed ? Int(quality) : nil,
            blursStoredValues: blursStoredValues,
            highlight: isBright && !blursStoredValues ? highlight : 1)
    }

    private func drawnKind(_ u: Double) -> Kind {
        let total = shares.values.reduce(0, +)
        var left = u * total
        for kind in Kind.allCases {
            let share = shares[kind] ?? 0
            if share > 0, left < share { return kind }
            left -= share
        }
        return Kind.allCases.last { (shares[$0] ?? 0) > 0 } ?? .none
    }

    // MARK: doing it

    /// Blurred, noisy, compressed pictures, rounded to 8 bits.
    ///
    /// - Parameters:
    ///   - sharp: N×3×(H + 2·margin)×(W + 2·margin) in [-1, 1], on any device. What a kernel sees
    ///     beyond the frame is there, as in a camera.
    ///   - margin: at least the radius of every kernel.
    ///   - draws: one for each picture.
    ///   - noise: N(0, 1), N×3×H×W.
    /// - Returns: N×3×H×W in [-1, 1].
    public static func degraded(_ sharp: Tensor, margin: Int, draws: [Draw], noise: Tensor) throws -> Tensor {
        try noGrad {
            try finished(exposed(sharp, margin: margin, draws: draws), draws: draws, noise: noise)
        }
    }

    /// Pictures behind a moving or unfocused lens: their light is blurred, or where the draw says so
    /// their stored values.
    ///
    /// - Parameters:
    ///   - sharp: N×3×(H + 2·margin)×(W + 2·margin) in [-1, 1].
    ///   - subjects: the same shape: what the things are made of that move by themselves; nil for none.
    ///     ``composed(_:subjects:draws:)`` is then the sharp picture.
    /// - Returns: N×3×H×W sRGB values in [-1, 1].
    public static func exposed(
        _ sharp: Tensor, margin: Int, draws: [Draw], subjects: Tensor? = nil
    ) throws -> Tensor {
        let stored = draws.map(\.blursStoredValues)
        // A picture brings its light or its values to what is the same for all.
        let isStored =
            try stored.contains(true)
            ? Tensor(stored.map { $0 ? Float(1) : 0 }).to(sharp.device).perSample() : nil
        let highlights =
            draws.contains { $0.highlight != 1 }
            ? try Tensor(draws.map { Float($0.highlight) }).to(sharp.device).perSample() : nil
        func summed(_ picture: Tensor) throws -> Tensor {
            var light = try TransferCurve.linear(picture)
            if let highlights { light = try raised(light, of: picture, highlights) }
            guard let isStored else { return light }
            return try light + (picture * 0.5 + 0.5 - light) * isStored
        }
        let sums = try sums(
            summed(sharp), subjects: subjects.map(summed), margin: margin, draws: draws)
        let encoded = try TransferCurve.encoded(sums)
        guard let isStored else { return encoded }
        return try encoded + (sums.clamped(0, 1) * 2 - 1 - encoded) * isStored
    }

    /// Light as it was before a sensor clipped it: what is nearly white, from ``nearlyWhite`` on, so many times as bright, the more the whiter.
    private static func raised(_ light: Tensor, of picture: Tensor, _ highlights: Tensor) throws -> Tensor {
        let white = try ((picture * 0.5 + 0.5 - nearlyWhite) / (1 - nearlyWhite)).clamped(0, 1)
        // Without a step where it begins, and where it ends.
        let share = try white.squared() * (white * -2 + 3)
        return try light * ((highlights - 1) * share + 1)
    }

    /// From which stored value on, of 0 to 1, light may have been clipped.
    private static let nearlyWhite = 0.95

    /// Those with a kernel by a transform for all of them, those with a scene moment by moment.
    private static func sums(_ light: Tensor, subjects: Tensor?, margin: Int, draws: [Draw]) throws -> Tensor
    {
        let moving = draws.indices.filter { draws[$0].scene != nil }
        guard !moving.isEmpty else { return try blurred(light, margin: margin, kernels: draws.map(\.kernel)) }
        let still = draws.indices.filter { draws[$0].scene == nil }
        func chosen(_ tensor: Tensor, _ indices: [Int]) throws -> Tensor {
            try tensor.selected(0, indices: Tensor(indices: indices).to(tensor.device))
        }
        var parts = [
            try SceneMotion.exposed(
                chosen(light, moving), subjects: subjects.map { try chosen($0, moving) }, margin: margin,
                motions: moving.compactMap { draws[$0].scene })
        ]
        if !still.isEmpty {
            parts.append(
                try blurred(chosen(light, still), margin: margin, kernels: still.map { draws[$0].kernel }))
        }
        let places = (moving + still).enumerated().sorted { $0.element < $1.element }.map(\.offset)
        return try chosen(Tensor.concatenated(parts, dim: 0), places)
    }

    /// The sharp pictures with the things in them that move by themselves, as they are at the middle of the
    /// exposure.
    ///
    /// - Parameter sharp, subjects: N×3×H×W in [-1, 1], of any margin.
    public static func composed(_ sharp: Tensor, subjects: Tensor, draws: [Draw]) throws -> Tensor {
        guard draws.contains(where: { $0.scene?.subject != nil }) else { return sharp }
        return try SceneMotion.composed(
            sharp, subjects: subjects, motions: draws.map { $0.scene ?? SceneMotion(camera: .rest) })
    }

    /// What comes after the lens: noise, JPEG, 8 bits.
    ///
    /// - Parameter encoded: N×3×H×W sRGB values in [-1, 1].
    public static func finished(_ encoded: Tensor, draws: [Draw], noise: Tensor) throws -> Tensor {
        let device = encoded.device
        func column(_ value: (Draw) -> Double) throws -> Tensor {
            try Tensor(draws.map { Float(value($0)) }).to(device).perSample()
        }
        var picture = encoded
        if draws.contains(where: { $0.readNoise > 0 || $0.shotNoise > 0 }) {
            let read = try column { $0.readNoise * $0.readNoise }
            let deviation = try (column(\.shotNoise) * (picture * 0.5 + 0.5) + read).squareRoot()
            picture = try picture + deviation * noise * 2
        }
        picture = try picture.quantized()
        return try JPEGCompression.compressed(picture, qualities: draws.map(\.jpegQuality))
    }

    /// Each picture convolved with its own kernel, by Fourier transform.
    ///
    /// - Parameter light: N×C×(H + 2·margin)×(W + 2·margin), linear light.
    /// - Returns: N×C×H×W, the part whose neighbourhood is wholly known.
    public static func blurred(_ light: Tensor, margin: Int, kernels: [BlurKernel]) throws -> Tensor {
        let size = light.shape
        guard size.count == 4, size[0] == kernels.count, size[2] > 2 * margin, size[3] > 2 * margin,
            kernels.allSatisfy({ $0.side / 2 <= margin })
        else {
            throw TensorError(
                operation: "blur", shapes: [size],
                reason: "pictures are N×C×H×W with one kernel each, whose radius is at most the margin")
        }
        let plane = try BlurKernel.planes(kernels, side: 2 * margin + 1).to(light.device)
        // The circular convolution puts what belongs to pixel i at i + margin; past twice the
        // margin nothing has come around the edge.
        let product =
            try light.contiguous().fourier(height: size[2], width: size[3])
            * plane.fourier(height: size[2], width: size[3])
        return try product.inverseFourier(height: size[2], width: size[3])
            .narrowed(2, start: 2 * margin, count: size[2] - 2 * margin)
            .narrowed(3, start: 2 * margin, count: size[3] - 2 * margin)
    }
}

/// Why pictures cannot be degraded as asked.
public struct DegradationError: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
