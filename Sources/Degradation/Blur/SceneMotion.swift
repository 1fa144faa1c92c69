import Foundation
import Tensors

/// What moves while a shutter is open: the camera, which shifts, turns and nears, and perhaps a thing before it
/// that goes its own way. No single kernel describes the blur: it differs from place to place, and at the outline
/// of the thing two pictures mix.
///
/// The sharp picture is that of the middle of the exposure. Places are in pixels from the middle of the
/// picture, x to the right and y down; moments are from −½ to ½.
public struct SceneMotion: Sendable, Equatable {
    /// Where the light of a place x comes from at a moment s:
    ///
    ///     (1 + zoom·s)·R(turn·s)·(x − centre) + centre + s·shift + s²·bend
    ///
    /// which is x itself at s = 0.
    public struct Path: Sendable, Equatable {
        /// Pixels.
        public var shift: SIMD2<Double>
        public var bend: SIMD2<Double>
        /// Radians.
        public var turn: Double
        public var zoom: Double
        public var centre: SIMD2<Double>

        /// Nothing moves.
        static let rest = Path(shift: .zero, bend: .zero, turn: 0, zoom: 0, centre: .zero)

        /// Rows of the affine map at a moment: (x, y, 1) → x and (x, y, 1) → y.
        func map(at moment: Double) -> (x: SIMD3<Double>, y: SIMD3<Double>) {
            let scale = 1 + zoom * moment
            let (a, b) = (scale * cos(turn * moment), scale * sin(turn * moment))
            let moved = centre + moment * shift + moment * moment * bend
            return (
                SIMD3(a, -b, moved.x - a * centre.x + b * centre.y),
                SIMD3(b, a, moved.y - b * centre.x - a * centre.y)
            )
        }

        /// At most so far does the middle of the picture go.
        var reach: Double {
            func length(_ vector: SIMD2<Double>) -> Double { (vector * vector).sum().squareRoot() }
            return length(shift) / 2 + length(bend) / 4
        }
    }

    public struct Disc: Sendable, Equatable {
        public var centre: SIMD2<Double>
        public var radius: Double
    }

    /// A thing before the rest of the picture; its outline is that of overlapping discs.
    public struct Subject: Sendable, Equatable {
        public var path: Path
        public var discs: [Disc]
    }

    public var camera: Path
    public var subject: Subject?

    public init(camera: Path, subject: Subject? = nil) {
        self.camera = camera
        self.subject = subject
    }

    /// In how many moments an exposure is summed up: enough that two neighbours are little more than a pixel and a
    /// half apart on the longest path there is, ``BlurDegradation/longestPath``.
    static let moments = 25
    /// How far the middle of a picture is moved at most, as a part of its path's length.
    static let reach =
        0.5 + 0.25 * (lengthwiseBend * lengthwiseBend + crosswiseBend * crosswiseBend).squareRoot()
    private static let lengthwiseBend = 0.3
    private static let crosswiseBend = 0.6
    static let mostDiscs = 4
    private static let turnLimit = 2.5 * Double.pi / 180
    private static let zoomLimit = 0.03
    /// How far from the middle turns have their centre, and things are: within the crops of training.
    private static let field = 80.0

    /// - Parameter extent: pixels, how long the paths are.
    static func drawn(extent: DrawRange, using random: inout CounterStream) -> SceneMotion {
        func signed(_ limit: Double) -> Double { (2 * random.uniform() - 1) * limit }
        func place(_ limit: Double) -> SIMD2<Double> { SIMD2(signed(limit), signed(limit)) }
        func path(_ length: Double, vigour: Double) -> Path {
            let angle = random.uniform() * 2 * .pi
            let direction = SIMD2(cos(angle), sin(angle))
            let across = SIMD2(-direction.y, direction.x)
            return Path(
                shift: length * direction,
                bend: length * (signed(lengthwiseBend) * direction + signed(crosswiseBend) * across),
                turn: signed(turnLimit * vigour), zoom: signed(zoomLimit * vigour), centre: place(field))
        }
        // On a stand, in a hand, or following what moves.
        let steadiness = random.uniform()
        let shake = extent.draw(using: &random)
        let camera = path(steadiness < 0.25 ? 0.1 * shake : shake, vigour: steadiness < 0.25 ? 0.1 : 1)
        var subject: Subject?
        if random.uniform() < 0.6 {
            let own = path(extent.draw(using: &random), vigour: 2)
            let middle = place(field)
            let size = 12 + 50 * random.uniform()
            let count = 1 + Int(random.uniform() * Double(mostDiscs))
            subject = Subject(
                path: own,
                discs: (0..<count).map { _ in
                    Disc(centre: middle + place(size), radius: size * (0.4 + 0.6 * random.uniform()))
                })
        }
        return SceneMotion(camera: camera, subject: subject)
    }

    // MARK: tensors

    /// The mean over the exposure.
    ///
    /// - Parameters:
    ///   - scene: N×C×(H + 2·margin)×(W + 2·margin), light or whatever is summed; what lies beyond is taken from
    ///     the edge.
    ///   - subjects: the same shape, what the things are made of; nil for none.
    /// - Returns: N×C×H×W.
    static func exposed(_ scene: Tensor, subjects: Tensor?, margin: Int, motions: [SceneMotion]) throws
        -> Tensor
    {
        let view = try View(scene, margin: margin)
        // A GPU does all at once, which asks of the CPU a few calls instead of a thousand; here the memory of one moment
        // after the other stays in the caches.
        let length = scene.device.isCUDA ? moments : 1
        var sum: Tensor?
        for first in stride(from: 0, to: moments, by: length) {
            let some = (first..<min(first + length, moments)).map {
                (Double($0) + 0.5) / Double(moments) - 0.5
            }
            let frames = try view.frames(scene, subjects, motions, at: some).sum([2])
            sum = try sum.map { try $0 + frames } ?? frames
        }
        guard let sum else { return scene }
        return try sum / Double(moments)
    }

    /// The pictures at the middle of the exposure with the things in them; the shape stays.
    static func composed(_ scene: Tensor, subjects: Tensor, motions: [SceneMotion]) throws -> Tensor {
        try View(scene, margin: 0).frames(scene, subjects, motions, at: [0]).reshaped(scene.shape)
    }

    /// Where light comes from or goes to, in pixels from the middle of the picture: N×moments×(H·W) each.
    private struct Places {
        let x: Tensor
        let y: Tensor
    }

    /// What is seen of a scene.
    private struct View {
        let count: Int
        let height: Int
        let width: Int
        /// 1×1×(H·W).
        let pixels: Places
        /// From pixels to −1…1 across what there is to look at.
        let unit: SIMD2<Double>

        init(_ scene: Tensor, margin: Int) throws {
            let size = scene.shape
            guard size.count == 4, size[2] > 2 * margin, size[3] > 2 * margin else {
                throw TensorError(
                    operation: "SceneMotion", shapes: [size],
                    reason: "pictures are N×C×H×W and larger than the margins")
            }
            count = size[0]
            let (height, width) = (size[2] - 2 * margin, size[3] - 2 * margin)
            (self.height, self.width) = (height, width)
            func places(_ value: (_ row: Int, _ column: Int) -> Double) throws -> Tensor {
                let values = (0..<height).flatMap { row in (0..<width).map { Float(value(row, $0)) } }
                return try Tensor(values, shape: [1, 1, height * width]).to(scene.device)
            }
            pixels = Places(
                x: try places { Double($1) - Double(width - 1) / 2 },
                y: try places { row, _ in Double(row) - Double(height - 1) / 2 })
            unit = SIMD2(2 / Double(max(1, size[3] - 1)), 2 / Double(max(1, size[2] - 1)))
        }

        /// N×C×moments×H×W.
        func frames(_ scene: Tensor, _ subjects: Tensor?, _ motions: [SceneMotion], at moments: [Double])
            throws -> Tensor
        {
            let behind = try looked(at: scene, sources(motions.map(\.camera), at: moments))
            guard let subjects, motions.contains(where: { $0.subject != nil }) else { return behind }
            let places = try sources(motions.map { $0.subject?.path ?? $0.camera }, at: moments)
            let share = try covered(places, motions)
                .reshaped([count, 1, moments.count, height, width])
            return try behind + share * (looked(at: subjects, places) - behind)
        }

        /// Where each pixel's light comes from. Without a product of matrices, whose places may be rounded on a GPU.
        private func sources(_ paths: [Path], at moments: [Double]) throws -> Places {
            let maps = paths.flatMap { path in moments.map(path.map(at:)) }
            func moved(_ row: (_ map: (x: SIMD3<Double>, y: SIMD3<Double>)) -> SIMD3<Double>) throws -> Tensor
            {
                func column(_ index: Int) throws -> Tensor {
                    try Tensor(maps.map { Float(row($0)[index]) }, shape: [count, moments.count, 1])
                        .to(pixels.x.device)
                }
                return try pixels.x * column(0) + pixels.y * column(1) + column(2)
            }
            return Places(x: try moved(\.x), y: try moved(\.y))
        }

        private func looked(at picture: Tensor, _ sources: Places) throws -> Tensor {
            let size = sources.x.shape
            let places = try Tensor.stacked([sources.x * unit.x, sources.y * unit.y], dim: 3)
            return try picture.sampled(at: places.reshaped([count, size[1] * height, width, 2]))
                .reshaped([count, picture.shape[1], size[1], height, width])
        }

        /// How much of each pixel a thing covers; edges are a pixel and a half wide.
        private func covered(_ sources: Places, _ motions: [SceneMotion]) throws -> Tensor {
            func column(_ index: Int, _ value: (Disc) -> Double) throws -> Tensor {
                let values = motions.map { motion -> Float in
                    let discs = motion.subject?.discs ?? []
                    return Float(index < discs.count ? value(discs[index]) : SceneMotion.nowhere)
                }
                return try Tensor(values, shape: [count, 1, 1]).to(sources.x.device)
            }
            var left = try Tensor.full([], 1, device: sources.x.device)
            for index in 0..<SceneMotion.mostDiscs {
                let x = try sources.x - column(index, \.centre.x)
                let y = try sources.y - column(index, \.centre.y)
                let inside = try column(index, \.radius) - (x.squared() + y.squared()).squareRoot()
                left = try left * (1 - (inside / 1.5 + 0.5).clamped(0, 1))
            }
            return try 1 - left
        }
    }

    /// As the coordinate and the radius of a disc that there is not.
    private static let nowhere = -1e6
}
