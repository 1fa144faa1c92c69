import Testing

@testable import Tensors

/// Graphs themselves need a GPU: here calls are written down by a closure that makes them again.
struct ReplayedFunctionTests {
    private final class Counter {
        var calls = 0
        var recordings = 0
        var replays = 0
    }

    private let counter = Counter()

    /// Twice the sum.
    private func function(failing: Bool = false) -> ReplayedFunction {
        ReplayedFunction(
            { [counter] inputs in
                counter.calls += 1
                return try (inputs[0] + inputs[1]) * 2
            }, isRecordable: { _ in true },
            recorder: { [counter] _, body in
                if failing { throw TensorError(operation: "graph", reason: "full") }
                counter.recordings += 1
                // The function is not called at a replay: what it does is.
                let output = try body().clone()
                return (output, { counter.replays += 1 })
            })
    }

    private func inputs(_ count: Int, _ value: Float) throws -> [Tensor] {
        [try Tensor(Array(repeating: value, count: count)), try Tensor(Array(repeating: 1, count: count))]
    }

    @Test func theThirdCallInARowIsWrittenDown() throws {
        let function = function()
        for round in 1...5 { _ = try function(inputs(3, Float(round))) }
        // Two plain ones, one that warms up and one that is written down.
        #expect(counter.calls == 4 && counter.recordings == 1 && counter.replays == 3)
    }

    @Test func otherShapesInBetweenChangeNothing() throws {
        let function = function()
        for _ in 1...3 { _ = try function(inputs(3, 1)) }
        #expect(counter.recordings == 1)
        for _ in 1...4 {
            let plain = counter.calls
            #expect(try function(inputs(5, 2)).floats() == Array(repeating: 6, count: 5))
            #expect(counter.calls == plain + 1)
            let replays = counter.replays
            _ = try function(inputs(3, 1))
            #expect(counter.replays == replays + 1 && counter.calls == plain + 1)
        }
        #expect(counter.recordings == 1)
        // Three in a row take the place.
        for _ in 1...3 { _ = try function(inputs(5, 2)) }
        #expect(counter.recordings == 2)
        let plain = counter.calls
        _ = try function(inputs(5, 2))
        #expect(counter.calls == plain)
        _ = try function(inputs(3, 1))
        #expect(counter.calls == plain + 1)
    }

    /// The result is read from where a replay writes it, and is the caller's own.
    @Test func resultsAreCopies() throws {
        var written: [Tensor] = []
        let function = ReplayedFunction(
            { try $0[0] * 3 }, isRecordable: { _ in true },
            recorder: { _, body in
                let output = try body().clone()
                written.append(output)
                return (output, { try output.copy(from: Tensor([7])) })
            })
        for round in 1...2 { #expect(try function([Tensor([Float(round)])]).floats() == [Float(3 * round)]) }
        let first = try function([Tensor([5])])
        #expect(try first.floats() == [7] && written.count == 1)
        try written[0].copy(from: Tensor([0]))
        #expect(try first.floats() == [7])
    }

    @Test func whereNothingCanBeWrittenDownCallsAreMade() throws {
        let function = function(failing: true)
        for round in 1...5 {
            let value = Float(round)
            #expect(try function(inputs(2, value)).floats() == [2 * value + 2, 2 * value + 2])
        }
        // One more, which warmed up.
        #expect(counter.calls == 6 && counter.replays == 0)
        #expect(function.failure?.contains("full") == true)
    }

    @Test func onTheCPUEachCallIsMade() throws {
        let function = ReplayedFunction { [counter] inputs in
            counter.calls += 1
            return try inputs[0] + inputs[1]
        }
        for round in 1...5 {
            let value = Float(round)
            #expect(try function(inputs(2, value)).floats() == [value + 1, value + 1])
            #expect(counter.calls == round)
        }
        #expect(function.failure == nil)
    }

    @Test func anErrorIsItsCallers() throws {
        struct Refusal: Error {}
        let function = ReplayedFunction { _ in throw Refusal() }
        #expect(throws: Refusal.self) { try function([Tensor([1])]) }
    }
}
