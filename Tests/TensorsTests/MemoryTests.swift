import Foundation
import Testing

@testable import Tensors

/// Every tensor that is made is freed: in its own process, because the count of live tensors and
/// the resident memory are those of the whole process and other tests run beside this one.
struct MemoryTests {
    /// Resident memory of this process in bytes.
    private static func resident() -> Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
        return (fields?.dropFirst().first.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// One pass forward and backward through every kind of layer, with an optimiser's step.
    private static func pass(
        _ layers: [Conv2d], _ linear: Linear, _ norm: GroupNorm, _ optimizer: AdamW, _ x: Tensor
    )
        throws
    {
        var h = try layers[0](x, then: .silu)
        h = try layers[1](norm(h), then: .add(h))
        let y = try linear(h.mean([2, 3]))
        optimizer.clearGradients()
        try y.squared().mean().backward()
        try clipGradients(layers.map(\.weight), limit: 1)
        try optimizer.step(learningRate: .full([], 1e-3))
        // An operation that fails must not leak either.
        _ = try? x.matmul(y)
    }

    private static func tenThousandPasses() throws {
        try Device.setThreads(1)
        let make = Initializer(seed: 1)
        let layers = try [Conv2d(3, 8, make), Conv2d(8, 8, make)]
        let linear = try Linear(8, 4, make)
        let norm = try GroupNorm(groups: 4, channels: 8, make)
        let optimizer = try AdamW((layers + [linear, norm] as [Module]).flatMap(\.parameters))
        let x = try randomTensor([2, 3, 8, 8]).channelsLast()
        for _ in 0..<500 { try pass(layers, linear, norm, optimizer, x) }
        let (count, memory) = (liveTensorCount, resident())
        try #require(memory > 0)
        for _ in 0..<10_000 { try pass(layers, linear, norm, optimizer, x) }
        let growth = resident() - memory
        print(
            "10,000 passes: live tensors \(count) to \(liveTensorCount), resident memory +\(growth / 1024) KiB"
        )
        #expect(liveTensorCount == count)
        #expect(growth < 32 << 20)
    }

    #if compiler(>=6.2)
        @Test func tenThousandPassesLeakNothing() async {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                try MemoryTests.tenThousandPasses()
            }
            let lines = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self).split(
                separator: "\n")
            if let line = lines.first(where: { $0.contains("passes: ") }) { print(line) }
        }
    #else
        @Test(.disabled("a test in a process of its own needs Swift 6.2"))
        func tenThousandPassesLeakNothing() {}
    #endif

    @Test func aTensorIsFreedWithItsLastReference() throws {
        weak var gone: Tensor?
        do {
            let x = try Tensor([1, 2, 3])
            gone = x
            #expect(gone != nil)
            _ = try x * 2
        }
        #expect(gone == nil)
    }
}
