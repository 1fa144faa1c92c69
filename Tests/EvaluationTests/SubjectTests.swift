import Foundation
import ImageFiles
import ImageTensors
import Tensors
import Testing

@testable import Evaluation

@Suite("Pairs, displacement and crops")
struct SubjectTests {
    private func noise(_ height: Int, _ width: Int, seed: UInt64 = 1) throws -> Tensor {
        try NoiseField(seed: seed, sample: 0).tensor(step: 0, channels: 3, height: height, width: width)
            .clamped(-1, 1)
    }

    @Test(arguments: [(3, -2), (0, 0), (-4, 4)])
    func theDisplacementIsFound(dx: Int, dy: Int) throws {
        let wide = try noise(40, 50)
        func cut(_ x: Int, _ y: Int) throws -> Tensor {
            try wide.narrowed(2, start: y, count: 30).narrowed(3, start: x, count: 40)
        }
        // What lies at (x, y) in the original lies at (x + dx, y + dy) in the capture.
        let shift = try Shift.best(from: cut(5 - dx, 5 - dy), to: cut(5, 5), reach: 4)
        #expect(shift == Shift(dx: dx, dy: dy, border: 4))
    }

    @Test func theCropLiesWhereTheDifferenceIs() throws {
        let a = try Tensor.zeros([1, 3, 100, 120])
        var values = [Float](repeating: 0, count: 100 * 120)
        for y in 60..<70 { for x in 80..<90 { values[y * 120 + x] = 1 } }
        let b = try Tensor(values, shape: [1, 1, 100, 120]).expanded([1, 3, 100, 120])
        let place = try CropGallery.place(a, b, side: 20)
        #expect((70...80).contains(place.x) && (50...60).contains(place.y))
        let whole = try CropGallery.place(a, b, side: 500)
        #expect(whole.x == 0 && whole.y == 0)
    }

    @Test func pairsGoByNameThenByFamilyThenByPlace() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "pairs-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let picture = try Image(width: 1, height: 1, channels: 1, bitDepth: 8, samples: [0])
        func make(_ names: String...) throws {
            for name in names {
                let url = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try picture.write(to: url.path)
            }
        }
        func originals(_ set: String) throws -> [String] {
            try EvaluationPair.pairs(in: folder.appendingPathComponent(set).path, for: .deblurring).map {
                ($0.original as NSString).lastPathComponent
            }
        }
        try make("a/blur/1.png", "a/blur/2.png", "a/sharp/2.png", "a/sharp/1.png")
        #expect(try originals("a") == ["1.png", "2.png"])
        try make("b/blur/x_1.png", "b/blur/x_2.png", "b/blur/y_1.png", "b/sharp/x.png", "b/sharp/y.png")
        #expect(try originals("b") == ["x.png", "x.png", "y.png"])
        try make("c/blurred/p.png", "c/blurred/q.png", "c/sharp/r.png", "c/sharp/s.png")
        #expect(try originals("c") == ["r.png", "s.png"])
        try make("d/blur/p.png", "d/sharp/r.png", "d/sharp/s.png")
        #expect(throws: (any Error).self) { try originals("d") }
        try make("e/sharp/r.png")
        #expect(throws: (any Error).self) { try originals("e") }
    }

    /// Over a perfect input there is nothing to gain; what leaves it as it is gains 0.
    @Test func gainOverAPerfectInput() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "gain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let paths = ["sharp.png", "blurred.png"].map { folder.appendingPathComponent($0).path }
        for (path, level) in zip(paths, [UInt16(100), 110]) {
            try Image(
                width: 8, height: 8, channels: 1, bitDepth: 8, samples: .init(repeating: level, count: 64)
            ).write(to: path)
        }
        func gain(input: String) throws -> (asIs: Double, other: Double) {
            let subject = try EvaluationSubject(
                EvaluationPair(name: "a", input: input, original: paths[0]))
            let same = try subject.measuredInput()
            return try (
                EvaluationMetric.gain.measure(subject, same),
                EvaluationMetric.gain.measure(subject, subject.measured(same + 0.04))
            )
        }
        let perfect = try gain(input: paths[0])
        #expect(perfect.asIs == 0 && perfect.other.isNaN)
        let blurred = try gain(input: paths[1])
        #expect(blurred.asIs == 0 && blurred.other < -2)
        #expect(
            EvaluationFormat([.gain]).table([
                EvaluationSummary(
                    set: "s", point: EvaluationPoint(baseline: "input", .input), count: 1,
                    values: [.init([perfect.other])], seconds: 0)
            ]).last == "| s | input | – | 0.00 |")
    }
}
