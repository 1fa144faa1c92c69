import Foundation
import Tensors
import Testing

@testable import Degradation

struct BlurKernelTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let kernel: BlurKernel
    }

    /// Kernels of every kind over their range.
    static let cases: [Case] = {
        var cases: [Case] = [Case(testDescription: "identity", kernel: .identity)]
        for seed in 0..<12 {
            var random = CounterStream(seed: UInt64(seed))
            let extent = 1 + Double(seed) * 40 / 11
            cases.append(
                Case(
                    testDescription: "shake \(seed) of \(extent)",
                    kernel: .cameraShake(extent: extent, using: &random)))
        }
        for length in [0.3, 1, 2.5, 9, 41] {
            for angle in [0, 0.4, 1.3, 2.9] {
                cases.append(
                    Case(
                        testDescription: "linear \(length) at \(angle)",
                        kernel: .linear(length: length, angle: angle)))
                cases.append(
                    Case(
                        testDescription: "arc \(length) at \(angle)",
                        kernel: .arc(length: length, angle: angle, turn: 1 + angle / 2)))
            }
        }
        for size in [0.5, 1, 2.2, 6, 20] {
            cases.append(Case(testDescription: "defocus \(size)", kernel: .defocus(radius: size)))
            cases.append(Case(testDescription: "gaussian \(size / 2)", kernel: .gaussian(sigma: size / 2)))
        }
        return cases
    }()

    /// Mean and variance of the rows' and columns' places, the middle pixel being 0.
    private static func moments(_ kernel: BlurKernel) -> (x: Double, y: Double, xx: Double, yy: Double) {
        var sums = (0.0, 0.0, 0.0, 0.0)
        for row in 0..<kernel.side {
            for column in 0..<kernel.side {
                let value = Double(kernel.values[row * kernel.side + column])
                let (x, y) = (Double(column - kernel.side / 2), Double(row - kernel.side / 2))
                sums = (
                    sums.0 + value * x, sums.1 + value * y, sums.2 + value * x * x, sums.3 + value * y * y
                )
            }
        }
        return sums
    }

    /// Faint values around a kernel are no part of its extent, however large its side is.
    @Test func theExtentLeavesOutWhatIsFaint() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0)
        #expect(kernel.extent == kernel.side && kernel.side >= 9)
        #expect(BlurKernel.identity.extent == 1)
        func framed(_ corner: Float) throws -> BlurKernel {
            var values = [Float](repeating: 0, count: 21 * 21)
            for index in kernel.values.indices {
                let (row, column) = (index / kernel.side, index % kernel.side)
                let margin = 10 - kernel.side / 2
                values[(row + margin) * 21 + column + margin] = kernel.values[index]
            }
            values[0] = corner
            return try BlurKernel(side: 21, exactly: values)
        }
        #expect(try framed(0.0009).extent == kernel.extent)
        #expect(try framed(0.0011).extent == 21)
    }

    @Test(arguments: cases) func lightIsKeptAndStaysInPlace(_ one: Case) {
        let kernel = one.kernel
        #expect(kernel.side % 2 == 1 && kernel.values.count == kernel.side * kernel.side)
        #expect(kernel.values.allSatisfy { $0 >= 0 })
        #expect(abs(kernel.values.reduce(0) { $0 + Double($1) } - 1) < 1e-5)
        let moments = Self.moments(kernel)
        #expect(abs(moments.x) < 1e-3 && abs(moments.y) < 1e-3, "\(moments)")
    }

    @Test(arguments: [4.0, 9, 25, 41]) func aLineHasTheLengthAskedFor(length: Double) {
        let flat = BlurKernel.linear(length: length, angle: 0)
        let rows = (0..<flat.side).filter { row in
            (0..<flat.side).contains { flat.values[row * flat.side + $0] > 1e-6 }
        }
        #expect(rows == [flat.side / 2])
        let moments = Self.moments(flat)
        // Bilinear shares add at most 1/4 to the variance of a uniform line.
        #expect(moments.xx > length * length / 12 - 0.01 && moments.xx < length * length / 12 + 0.25)
        let turned = Self.moments(.linear(length: length, angle: .pi / 2))
        #expect(abs(turned.yy - moments.xx) < 1e-4 && turned.xx < 1e-6)
    }

    @Test(arguments: [2.0, 5, 12]) func aDiscHasTheRadiusAskedFor(radius: Double) {
        let moments = Self.moments(.defocus(radius: radius))
        #expect(abs(moments.xx - radius * radius / 4) < 0.26 && abs(moments.xx - moments.yy) < 1e-4)
    }

    @Test(arguments: [1.0, 2, 5]) func aGaussianHasTheDeviationAskedFor(sigma: Double) {
        // It is cut at three standard deviations, which takes 3 % of the variance.
        let moments = Self.moments(.gaussian(sigma: sigma))
        #expect(abs(moments.xx / (sigma * sigma) - 1) < 0.05)
    }

    @Test(arguments: 0..<20) func aShakeFillsItsExtent(seed: Int) {
        var random = CounterStream(seed: UInt64(seed), stream: 3)
        let kernel = BlurKernel.cameraShake(extent: 21, using: &random)
        func span(_ value: (Int, Int) -> Float) -> Int {
            let used = (0..<kernel.side).filter { line in
                (0..<kernel.side).contains { value(line, $0) > 0 }
            }
            return (used.last ?? 0) - (used.first ?? 0) + 1
        }
        let spans = [
            span { kernel.values[$0 * kernel.side + $1] }, span { kernel.values[$1 * kernel.side + $0] },
        ]
        // 21 pixels from end to end touch 22 or 23 pixels.
        #expect((22...23).contains(spans.max() ?? 0), "\(spans)")
    }

    @Test func theSeedDecides() {
        func shake(_ seed: UInt64) -> BlurKernel {
            var random = CounterStream(seed: seed)
            return .cameraShake(extent: 15, using: &random)
        }
        #expect(shake(1) == shake(1))
        #expect(shake(1) != shake(2))
    }

    @Test func nothingIsTheIdentity() {
        var random = CounterStream(seed: 1)
        #expect(BlurKernel.linear(length: 0, angle: 1) == .identity)
        #expect(BlurKernel.defocus(radius: 0) == .identity && BlurKernel.gaussian(sigma: 0) == .identity)
        #expect(BlurKernel.cameraShake(extent: 0, using: &random) == .identity)
    }

    @Test func anArcThatHardlyTurnsIsALine() {
        let (arc, line) = (
            BlurKernel.arc(length: 12, angle: 0.7, turn: 1e-4), BlurKernel.linear(length: 12, angle: 0.7)
        )
        #expect(arc.side == line.side)
        #expect(zip(arc.values, line.values).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    /// Half the length for half the picture; light and place are kept.
    @Test(arguments: [0.5, 0.5.squareRoot(), 2]) func aScaledKernelIsThatOfALargerPicture(factor: Double)
        throws
    {
        let kernel = BlurKernel.arc(length: 14, angle: 0.5, turn: 1)
        let (made, wanted) = (
            kernel.scaled(by: factor), BlurKernel.arc(length: 14 * factor, angle: 0.5, turn: 1)
        )
        #expect(made.values.allSatisfy { $0 >= 0 } && made.side % 2 == 1)
        let (one, two) = (Self.moments(made), Self.moments(wanted))
        #expect(abs(one.x) < 1e-3 && abs(one.y) < 1e-3)
        // Shares of neighbouring pixels are scaled along.
        let slack = 0.3 * max(1, factor * factor)
        #expect(abs(one.xx - two.xx) < slack && abs(one.yy - two.yy) < slack, "\(one) \(two)")
        #expect(kernel.scaled(by: 1) == kernel)
    }

    @Test func measuredValuesAreCentredAndScaled() throws {
        // All weight in two pixels of a corner, 1 : 3.
        var values = [Float](repeating: 0, count: 25)
        values[0] = 0.5
        values[1] = 1.5
        let kernel = try BlurKernel(side: 5, values: values)
        let points = kernel.values.enumerated().filter { $0.element > 0 }
        let sum = points.reduce(0.0) { $0 + Double($1.element) }
        let x = points.reduce(0.0) { $0 + Double($1.offset % kernel.side) * Double($1.element) }
        #expect(abs(sum - 1) < 1e-6 && abs(x - Double(kernel.side / 2)) < 1e-6)
        #expect(try BlurKernel(side: 3, values: [0, 0, 0, 0, 7, 0, 0, 0, 0]) == .identity)
        for (side, values) in [
            (2, [Float](repeating: 1, count: 3)), (1, [-1]), (1, [0]), (1, [.nan]), (0, []),
        ] {
            #expect(throws: DegradationError.self) { try BlurKernel(side: side, values: values) }
        }
    }

    /// All eight are there, and a pose is the one crops of photographs know.
    @Test func aKernelHasEightPoses() throws {
        let kernel = try BlurKernel(side: 3, values: [8, 4, 2, 1, 30, 1, 2, 5, 7])
        #expect(Set((0..<8).map { kernel.posed($0).values }).count == 8)
        #expect(kernel.posed(0) == kernel)
        let (rows, columns) = (kernel.side, kernel.side)
        for row in 0..<rows {
            for column in 0..<columns {
                let at = row * columns + column
                #expect(kernel.posed(1).values[at] == kernel.values[column * columns + row])
                #expect(kernel.posed(2).values[at] == kernel.values[(rows - 1 - row) * columns + column])
                #expect(kernel.posed(4).values[at] == kernel.values[row * columns + columns - 1 - column])
            }
        }
    }

    @Test func kernelsAreComparedWithTheirMiddlesOnOneAnother() throws {
        let shaken = try BlurKernel(side: 3, exactly: [0, 0, 0, 0.25, 0.5, 0.25, 0, 0, 0])
        let mirrored = try BlurKernel(side: 3, exactly: [0, 0.25, 0, 0, 0.5, 0, 0, 0.25, 0])
        #expect(abs(shaken.cosine(with: shaken) - 1) < 1e-12)
        // (½)² over ½² + 2·¼².
        #expect(abs(shaken.cosine(with: mirrored) - 2 / 3.0) < 1e-12)
        #expect(abs(mirrored.cosine(with: shaken) - 2 / 3.0) < 1e-12)
        // Of another side, and none in common.
        #expect(abs(shaken.cosine(with: .identity) - (2 / 3.0).squareRoot()) < 1e-12)
        let ring = try BlurKernel(side: 5, exactly: (0..<25).map { [2, 10, 14, 22].contains($0) ? 0.25 : 0 })
        #expect(ring.cosine(with: shaken) == 0)
        #expect(shaken.cosine(with: ring) == 0)
    }
}
