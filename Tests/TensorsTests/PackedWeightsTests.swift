import Foundation
import Testing

@testable import Tensors

struct PackedWeightsTests {
    /// The shapes for which weights were packed.
    private final class Record: @unchecked Sendable {
        private let lock = NSLock()
        private(set) var shapes: [[Int]] = []

        func add(_ shape: [Int]) { lock.withLock { shapes.append(shape) } }
    }

    private func recording() -> (weights: PackedWeights, record: Record) {
        let record = Record()
        let weights = PackedWeights { shape in
            record.add(shape)
            return try Tensor([Float(shape[2])], shape: [1])
        }
        return (weights, record)
    }

    @Test func aSizeIsPackedOnce() throws {
        let (weights, record) = recording()
        for side in [8, 16, 8, 16, 8] {
            #expect(try weights.weights(for: [1, 3, side, 8]).item() == Double(side))
        }
        #expect(record.shapes == [[1, 3, 8, 8], [1, 3, 16, 8]])
    }

    @Test func sizesWithoutEndAreForgotten() throws {
        let (weights, record) = recording()
        for side in 1...20 { _ = try weights.weights(for: [1, 3, side, 8]) }
        #expect(record.shapes.count == 20)
        _ = try weights.weights(for: [1, 3, 20, 8])
        #expect(record.shapes.count == 20, "the last of them is still known")
        _ = try weights.weights(for: [1, 3, 1, 8])
        #expect(record.shapes.count == 21, "the first is not")
    }

    @Test func threadsThatAskAtOnceShareOnePacking() throws {
        let (weights, record) = recording()
        DispatchQueue.concurrentPerform(iterations: 64) { _ in
            _ = try? weights.weights(for: [1, 3, 8, 8])
        }
        #expect(record.shapes.count == 1)
    }

    /// A convolution that has seen another size makes the same of a picture, to the last bit.
    @Test(arguments: [1, 2]) func whatWasSeenBeforeChangesNothing(_ stride: Int) throws {
        try noGrad {
            func prepared() throws -> Conv2d {
                let convolution = try Conv2d(
                    48, 80, kernel: stride, stride: stride, padding: 0, Initializer(seed: 5))
                try convolution.prepareForInference()
                return convolution
            }
            let x = try randomTensor([1, 48, 22, 38]).channelsLast()
            let experienced = try prepared()
            for side in [8, 64, 96] {
                _ = try experienced(randomTensor([2, 48, side, side]).channelsLast())
            }
            let (one, other) = try (experienced(x), prepared()(x))
            #expect(try one.floats() == other.floats())
            let plain = try Conv2d(48, 80, kernel: stride, stride: stride, padding: 0, Initializer(seed: 5))(
                x)
            #expect(try (one - plain).magnitude().max().item() < 1e-5)
        }
    }
}
