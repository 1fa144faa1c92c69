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

    /// In how many moments an exposure is summed up: enough that two neighbours are 1.5 pixels apart at the most
    /// that shifts are drawn here for training.
    static let moments = 17
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
                bend: length * (signed(0.3) * direction + signed(0.6) * across),
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
        var sum: Tensor?
        for index in 0..<moments {
            let moment = (Double(index) + 0.5) / Double(moments) - 0.5
            let frame = try view.frame(scene, subjects, motions, at: moment)
            sum = try sum.map { try $0 + frame } ?? frame
        }
        guard let sum else { return scene }
        return try sum / Double(moments)
    }

    /// The pictures at the middle of the exposure with the things in them; the shape stays.
    static func composed(_ scene: Tensor, subjects: Tensor, motions: [SceneMotion]) throws -> Tensor {
        try View(scene, margin: 0).frame(scene, subjects, motions, at: 0)
    }

    /// The places of a picture's pixels.
    private struct View {
        let count: Int
        let height: Int
        let width: Int
        /// 1×(H·W)×3: x, y, 1.
        let places: Tensor
        /// From pixels to −1…1 across what there is to look at, x and y.
        let unit: Tensor

        init(_ scene: Tensor, margin: Int) throws {
            let size = scene.shape
            guard size.count == 4, size[2] > 2 * margin, size[3] > 2 * margin else {
                throw TensorError(
                    operation: "SceneMotion", shapes: [size],
                    reason: "pictures are N×C×H×W and larger than the margins")
            }
            count = size[0]
            (height, width) = (size[2] - 2 * margin, size[3] - 2 * margin)
            let (across, down) = (Double(width - 1) / 2, Double(height - 1) / 2)
            let columns = try Tensor((0..<width).map { Float(Double($0) - across) }, shape: [1, width])
                .expanded([height, width])
            let rows = try Tensor((0..<height).map { Float(Double($0) - down) }, shape: [height, 1])
                .expanded([height, width])
            places = try Tensor.stacked([columns, rows, Tensor.full([height, width], 1)], dim: 2)
                .reshaped([1, height * width, 3]).to(scene.device)
            unit = try Tensor(
                [Float(2 / Double(max(1, size[3] - 1))), Float(2 / Double(max(1, size[2] - 1)))],
                shape: [1, 1, 2]
            ).to(scene.device)
        }

        func frame(_ scene: Tensor, _ subjects: Tensor?, _ motions: [SceneMotion], at moment: Double) throws
            -> Tensor
        {
            let behind = try looked(at: scene, sources(motions.map(\.camera), at: moment))
            guard let subjects, motions.contains(where: { $0.subject != nil }) else { return behind }
            let paths = motions.map { $0.subject?.path ?? $0.camera }
            let places = try sources(paths, at: moment)
            let share = try covered(places, motions)
            return try behind + share * (looked(at: subjects, places) - behind)
        }

        /// Where each pixel's light comes from, N×(H·W)×2.
        private func sources(_ paths: [Path], at moment: Double) throws -> Tensor {
            let values = paths.flatMap { path -> [Float] in
                let map = path.map(at: moment)
                return (0..<3).flatMap { [Float(map.x[$0]), Float(map.y[$0])] }
            }
            let maps = try Tensor(values, shape: [count, 3, 2]).to(places.device)
            return try places.expanded([count, height * width, 3]).matmul(maps)
        }

        private func looked(at picture: Tensor, _ sources: Tensor) throws -> Tensor {
            try picture.sampled(at: (sources * unit).reshaped([count, height, width, 2]))
        }

        /// How much of each pixel a thing covers, N×1×H×W; edges are a pixel and a half wide.
        private func covered(_ sources: Tensor, _ motions: [SceneMotion]) throws -> Tensor {
            func column(_ value: (Disc) -> Double) throws -> Tensor {
                let values = motions.flatMap { motion -> [Float] in
                    let discs = motion.subject?.discs ?? []
                    return (0..<SceneMotion.mostDiscs).map {
                        Float($0 < discs.count ? value(discs[$0]) : SceneMotion.nowhere)
                    }
                }
                return try Tensor(values, shape: [count, 1, SceneMotion.mostDiscs]).to(sources.device)
            }
            let x = try sources.narrowed(2, start: 0, count: 1) - column(\.centre.x)
            let y = try sources.narrowed(2, start: 1, count: 1) - column(\.centre.y)
            let inside = try column(\.radius) - (x.squared() + y.squared()).squareRoot()
            let free = try 1 - (inside / 1.5 + 0.5).clamped(0, 1)
            var left = try free.narrowed(2, start: 0, count: 1)
            for index in 1..<SceneMotion.mostDiscs {
                left = try left * free.narrowed(2, start: index, count: 1)
            }
            return try (1 - left).reshaped([count, 1, height, width])
        }
    }

    /// As the coordinate and the radius of a disc that there is not.
    private static let nowhere = -1e6
}
