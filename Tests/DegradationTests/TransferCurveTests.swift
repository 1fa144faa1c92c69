import Foundation
import Tensors
import Testing

@testable import Degradation

struct TransferCurveTests {
    private static let levels = (0..<256).map { Float($0) / 127.5 - 1 }

    @Test func itIsTheStandardsCurve() throws {
        let light = try TransferCurve.linear(Tensor(Self.levels)).floats()
        for (level, value) in light.enumerated() {
            let encoded = Double(level) / 255
            let expected = encoded <= 0.04045 ? encoded / 12.92 : pow((encoded + 0.055) / 1.055, 2.4)
            #expect(abs(Double(value) - expected) < 1e-6)
        }
    }

    @Test func thereAndBackIsNothing() throws {
        let back = try TransferCurve.encoded(TransferCurve.linear(Tensor(Self.levels))).floats()
        #expect(zip(back, Self.levels).allSatisfy { abs($0 - $1) < 2e-5 })
    }

    @Test func lightOutsideIsClipped() throws {
        let encoded = try TransferCurve.encoded(Tensor([-0.5, 1.7])).floats()
        #expect(encoded[0] == -1 && abs(encoded[1] - 1) < 1e-6)
        #expect(try TransferCurve.linear(Tensor([-1.2, 1.3])).floats() == [0, 1])
    }
}
