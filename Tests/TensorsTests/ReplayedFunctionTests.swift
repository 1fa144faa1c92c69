import Tensors
import Testing

/// Replays themselves need a GPU; on the CPU each call is made.
@Test func aFunctionOnTheCPUIsNotReplayed() throws {
    var calls = 0
    let function = ReplayedFunction { inputs in
        calls += 1
        return try inputs[0] + inputs[1]
    }
    for round in 1...5 {
        let sum = try function([Tensor([Float(round), 2]), Tensor([1, 1])])
        #expect(try sum.floats() == [Float(round) + 1, 3])
        #expect(calls == round)
    }
    #expect(function.failure == nil)
}

@Test func aFunctionsErrorIsItsCallers() throws {
    struct Refusal: Error {}
    let function = ReplayedFunction { _ in throw Refusal() }
    #expect(throws: Refusal.self) { try function([Tensor([1])]) }
}
