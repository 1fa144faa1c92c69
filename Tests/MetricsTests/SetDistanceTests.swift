import Foundation
import ImageTensors
import Metrics
import PythonReference
import Tensors
import Testing

@Suite("Distances of sets: Fréchet and kernel")
struct SetDistanceTests {
    /// N×D uniform numbers around `center`.
    private func vectors(_ count: Int, _ width: Int, seed: UInt64, center: Double = 0) throws -> Tensor {
        var random = CounterStream(seed: seed)
        return try Tensor(
            (0..<count * width).map { _ in random.uniform() - 0.5 + center }, shape: [count, width],
            dtype: .float64)
    }

    @Test(arguments: [(40, 8), (6, 20)]) func equalSetsAreAtNoDistance(count: Int, width: Int) throws {
        let a = try vectors(count, width, seed: 1)
        #expect(try frechetDistance(a, a) < 1e-5)
        #expect(try frechetDistance(a, a) >= 0)
    }

    /// A shift changes the means alone; a factor multiplies the deviations.
    @Test func knownDistances() throws {
        let a = try vectors(50, 6, seed: 2)
        #expect(abs(try frechetDistance(a, a + 0.5) - 6 * 0.25) < 1e-6)
        let mean = try a.mean([0])
        let centered = try a - mean
        let variance = try centered.squared().sum().item() / 49
        #expect(abs(try frechetDistance(centered, centered * 3) - 4 * variance) < 1e-6)
    }

    @Test func degenerateSetsAreRefused() throws {
        let a = try vectors(5, 4, seed: 3)
        let bad = try [
            vectors(1, 4, seed: 3), vectors(5, 3, seed: 3), Tensor.full([5, 4], .nan), Tensor.zeros([4]),
        ]
        for other in bad {
            #expect(throws: TensorError.self) { try frechetDistance(a, other) }
            #expect(throws: TensorError.self) { try KernelDistance(a, other) }
        }
        #expect(throws: TensorError.self) { try KernelDistance(a, a, subsetSize: 1) }
        #expect(try frechetDistance(Tensor.zeros([3, 4]), Tensor.zeros([2, 4])) == 0)
    }

    @Test func kernelDistanceIsUnbiasedAndSeeded() throws {
        let (a, b) = try (vectors(200, 5, seed: 4), vectors(150, 5, seed: 5))
        let far = try vectors(150, 5, seed: 6, center: 1)
        let near = try KernelDistance(a, b, subsetSize: 50)
        #expect(try KernelDistance(a, b, subsetSize: 50) == near)
        #expect(try KernelDistance(a, b, subsetSize: 50, seed: 1) != near)
        #expect(near.standardDeviation > 0)
        #expect(abs(near.mean) < 3 * near.standardDeviation)
        #expect(try KernelDistance(a, far).mean > 1)
        // All there is of both sets is one subset.
        #expect(try KernelDistance(b, far).standardDeviation == 0)
    }

    @Test(
        .enabled(if: PythonReference.python != nil, "there is no Python with NumPy (RESTORE_PYTHON)"),
        arguments: [(30, 30, 12), (9, 9, 40)])
    func equalsNumPy(first: Int, second: Int, width: Int) throws {
        let (a, b) = try (vectors(first, width, seed: 7), vectors(second, width, seed: 8, center: 0.3))
        let wanted = try ReferenceValues.values(of: "set_distances.py", [("a", a), ("b", b)])
        let found = try [frechetDistance(a, b), KernelDistance(a, b).mean]
        print("Fréchet and kernel distance \(found), NumPy \(wanted)")
        for (found, wanted) in zip(found, wanted) {
            #expect(ReferenceValues.agrees(found, wanted, within: 1e-6))
        }
    }

    @Test(.enabled(if: TestData.exists(TestData.trunk), "there are no SqueezeNet weights (RESTORE_DATA)"))
    func squeezeNetFeaturesTellBlurFromSharp() throws {
        let network = try PooledFeatures(squeezenet: TestData.path(TestData.trunk))
        #expect(network.name == "SqueezeNet 1.1 (Caffe)")
        #expect(network.featureCount == 512)
        #expect(throws: TensorError.self) { try network.features(of: Tensor.zeros([1, 3, 16, 40])) }
        let pairs = try TestData.pairs("set5")
        let sharp = try Tensor.stacked(pairs.map { try network.features(of: $0.hr) })
        let soft = try Tensor.stacked(
            pairs.map {
                try network.features(of: $0.lr.resized(height: $0.hr.shape[2], width: $0.hr.shape[3]))
            })
        #expect(sharp.shape == [pairs.count, 512])
        let distance = try frechetDistance(soft, sharp)
        print("Fréchet distance of bicubic Set5 over \(network.name): \(distance)")
        #expect(distance > 1)
    }
}
