import Foundation
import Tensors
import Testing

@testable import Degradation

struct SceneMotionTests {
    private static func picture(_ side: Int, seed: UInt64 = 3) throws -> Tensor {
        try (NoiseField(seed: seed).tensor(step: 0, channels: 3, height: side, width: side) * 0.2 + 0.5)
            .clamped(0, 1)
    }

    private static func middle(_ picture: Tensor, _ margin: Int) throws -> Tensor {
        let size = picture.shape
        return try picture.narrowed(2, start: margin, count: size[2] - 2 * margin)
            .narrowed(3, start: margin, count: size[3] - 2 * margin)
    }

    private static func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
        try (a - b).magnitude().max().item()
    }

    @Test func aCameraAtRestChangesNothing() throws {
        let scene = try Self.picture(40)
        let result = try SceneMotion.exposed(
            scene, subjects: nil, margin: 6, motions: [.init(camera: SceneMotion.Path.rest)])
        #expect(result.shape == [1, 3, 28, 28])
        #expect(try Self.difference(result, Self.middle(scene, 6)) < 1e-5)
    }

    /// A shift at constant speed is a line of as many points as there are moments, which BlurKernel makes too.
    @Test func aShiftIsALinearKernel() throws {
        let (margin, length, angle) = (10, 9.0, 0.5)
        var path = SceneMotion.Path.rest
        path.shift = SIMD2(length * cos(angle), length * sin(angle))
        let scene = try Self.picture(60)
        let result = try SceneMotion.exposed(
            scene, subjects: nil, margin: margin, motions: [.init(camera: path)])
        let count = SceneMotion.moments
        let points = (0..<count).map { index in
            let s = (Double(index) + 0.5) / Double(count) - 0.5
            return (x: path.shift.x * s, y: path.shift.y * s, weight: 1.0)
        }
        let kernel = BlurKernel(points: points)
        let expected = try BlurDegradation.blurred(scene, margin: margin, kernels: [kernel])
        #expect(try Self.difference(result, expected) < 1e-4)
    }

    /// Far from its centre a turn blurs more than near it.
    @Test func aTurnBlursTheRim() throws {
        var path = SceneMotion.Path.rest
        path.turn = 0.2
        let scene = try Self.picture(121)
        let result = try SceneMotion.exposed(scene, subjects: nil, margin: 10, motions: [.init(camera: path)])
        let error = try (result - Self.middle(scene, 10)).squared().mean([1])
        let centre = try error.narrowed(1, start: 46, count: 9).narrowed(2, start: 46, count: 9).mean().item()
        let corner = try error.narrowed(1, start: 0, count: 9).narrowed(2, start: 0, count: 9).mean().item()
        #expect(corner > 5 * centre, "\(corner) and \(centre)")
    }

    @Test func thePathStandsStillAtTheMiddle() {
        var random = CounterStream(seed: 5)
        for _ in 0..<50 {
            let motion = SceneMotion.drawn(extent: DrawRange(2, 25), using: &random)
            for path in [motion.camera, motion.subject?.path].compactMap({ $0 }) {
                let map = path.map(at: 0)
                #expect(abs(map.x.x - 1) < 1e-12 && abs(map.x.y) < 1e-12 && abs(map.x.z) < 1e-9)
                #expect(abs(map.y.y - 1) < 1e-12 && abs(map.y.x) < 1e-12 && abs(map.y.z) < 1e-9)
                #expect(path.reach <= 25)
            }
        }
    }

    /// Before a camera at rest a thing moves: around it nothing happens, and the sharp picture has it whole.
    @Test func aThingMovesByItself() throws {
        var path = SceneMotion.Path.rest
        path.shift = SIMD2(8, 0)
        let motion = SceneMotion(
            camera: SceneMotion.Path.rest,
            subject: .init(path: path, discs: [.init(centre: SIMD2(0, 0), radius: 10)]))
        let (scene, subjects) = (try Tensor.full([1, 3, 64, 64], 0.2), try Tensor.full([1, 3, 64, 64], 0.8))
        let sharp = try SceneMotion.composed(scene, subjects: subjects, motions: [motion])
        let result = try SceneMotion.exposed(scene, subjects: subjects, margin: 0, motions: [motion])
        func value(_ picture: Tensor, _ row: Int, _ column: Int) throws -> Double {
            try picture.narrowed(1, start: 0, count: 1).narrowed(2, start: row, count: 1)
                .narrowed(3, start: column, count: 1).item()
        }
        #expect(try abs(value(sharp, 32, 32) - 0.8) < 1e-5 && abs(value(sharp, 32, 50) - 0.2) < 1e-5)
        #expect(try abs(value(result, 32, 32) - 0.8) < 1e-5 && abs(value(result, 32, 50) - 0.2) < 1e-5)
        // At the rim it is there for half of the time.
        #expect(try abs(value(result, 32, 42) - 0.5) < 0.06)
        // As much of it in the mean as in the sharp picture.
        #expect(try abs(result.mean().item() - sharp.mean().item()) < 1e-3)
    }

    /// In a batch each picture has what it would have alone, whatever the others are.
    @Test func scenesAndKernelsGoTogether() throws {
        let settings = BlurDegradation(
            shares: [.scene: 1, .linear: 1], extent: .init(3, 9), storedValuesShare: 0.5)
        var random = CounterStream(seed: 8)
        let draws = (0..<6).map { _ in
            var draw = settings.draw(using: &random)
            // Within the picture, which is smaller than those of training.
            draw.scene?.subject?.discs = [.init(centre: .zero, radius: 12)]
            return draw
        }
        #expect(Set(draws.map(\.kind)) == [.scene, .linear])
        let margin = settings.margin
        let sharp = try Tensor.concatenated(
            (0..<6).map { try Self.picture(60, seed: UInt64($0)) * 2 - 1 }, dim: 0)
        let subjects = try sharp.flipped([3])
        let whole = try BlurDegradation.exposed(sharp, margin: margin, draws: draws, subjects: subjects)
        let composed = try BlurDegradation.composed(sharp, subjects: subjects, draws: draws)
        for (index, draw) in draws.enumerated() {
            func one(_ tensor: Tensor) throws -> Tensor { try tensor.narrowed(0, start: index, count: 1) }
            let alone = try BlurDegradation.exposed(
                one(sharp), margin: margin, draws: [draw], subjects: one(subjects))
            #expect(try Self.difference(one(whole), alone) < 1e-5)
            let isChanged = try Self.difference(one(composed), one(sharp)) > 0.1
            #expect(isChanged == (draw.scene?.subject != nil))
        }
    }

    @Test func picturesWithoutRoomAreRefused() throws {
        #expect(throws: TensorError.self) {
            try SceneMotion.exposed(
                Self.picture(12), subjects: nil, margin: 6, motions: [.init(camera: SceneMotion.Path.rest)])
        }
    }
}
