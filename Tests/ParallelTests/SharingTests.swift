import Parallel
import Tensors
import Testing

struct SharingTests {
    @Test func workIsSharedEvenly() {
        #expect(WorkShare.ranks(of: [], size: 3) == [])
        #expect(WorkShare.ranks(of: [1, 2, 3], size: 1) == [0, 0, 0])
        // The largest piece takes a rank for itself.
        #expect(WorkShare.ranks(of: [1, 1, 10, 1, 1], size: 2) == [1, 1, 0, 1, 1])
        #expect(WorkShare.ranks(of: [1, 1, 1, 1], size: 2) == [0, 1, 0, 1])
        #expect(WorkShare.ranks(of: [5], size: 4) == [0])
    }

    /// Alone, every call does at once what is left to do.
    @Test func aProcessByItself() throws {
        let alone = try Communicator.start(environment: [:])
        #expect(!alone.isParallel && alone.isRoot && alone.size == 1 && alone.library == nil)
        let tensor = try Tensor([1, 2])
        try alone.broadcast([tensor])
        try alone.beginSum(of: tensor).wait()
        #expect(try tensor.floats() == [1, 2])
        #expect(try alone.gathered([UInt8(7)]) == [[7]])
        #expect(try alone.gathered("a") == ["a"])
        #expect(throws: TensorError.self) {
            try alone.agree { throw TensorError(operation: "x", reason: "y") }
        }

        let parameter = try Tensor([3])
        try parameter.setRequiresGrad(true)
        let buckets = try GradientBuckets([parameter], communicator: alone, carriedCount: 1)
        let carried = try buckets.average(carrying: tensor) { try parameter.squared().sum().backward() }
        #expect(try parameter.grad?.floats() == [6])
        #expect(try carried?.floats() == [1, 2] && buckets.count == 0)
        try alone.finish()
    }

    @Test func hooksTellOfGradients() throws {
        final class Told { var names: [String] = [] }
        final class Witness { weak var told: Told? }
        var told: Told? = Told()
        let witness = Witness()
        witness.told = told
        let (a, b) = (try Tensor([1]), try Tensor([2]))
        for leaf in [a, b] { try leaf.setRequiresGrad(true) }
        func hook(_ leaf: Tensor, _ name: String) throws {
            try leaf.setGradientHook { [told, weak leaf] in
                told?.names.append("\(name) \(leaf?.grad != nil)")
            }
        }
        try hook(a, "a")
        try hook(b, "b")
        try (a * b).sum().backward()
        #expect(Set(told?.names ?? []) == ["a true", "b true"])
        try (a * 2).sum().backward()
        #expect(told?.names.count == 3)
        try a.setGradientHook(nil)
        try hook(b, "another")
        try (a * b).sum().backward()
        #expect(told?.names.count == 4 && told?.names.last == "another true")
        try b.setGradientHook(nil)
        told = nil
        #expect(witness.told == nil, "a hook that was taken away holds nothing")
    }

    @Test func bucketsHaveAUsefulSize() {
        #expect(GradientBuckets.standardBytes(gradientBytes: 400 << 20) == 25 << 20)
        #expect(GradientBuckets.standardBytes(gradientBytes: 16 << 20) == 4 << 20)
        #expect(GradientBuckets.standardBytes(gradientBytes: 1000) == 64 << 10)
    }
}
