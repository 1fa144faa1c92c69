// A program for `mpirun -n N parallel-check MODE`: what it prints is looked at by ParallelTests.
import Foundation
import Logging
import Parallel
import Tensors
import Training

let ranks = try Communicator.start()
let mode = CommandLine.arguments.dropFirst().first ?? "collectives"

func say(_ text: String) throws {
    let all = try ranks.gathered(text)
    guard ranks.isRoot else { return }
    for (rank, text) in all.enumerated() { print("\(rank): \(text)") }
    fflush(nil)
}

switch mode {
case "collectives": try collectives()
case "gradients": try gradients()
case "agree": try agree()
case "abort":
    if ranks.rank == 1 { ranks.abort(status: 65) }
    try ranks.barrier()
case "kill":
    if ranks.rank == 1 { kill(getpid(), SIGKILL) }
    try ranks.barrier()
case "train": try train(Array(CommandLine.arguments.dropFirst(2)))
default: exit(64)
}
try ranks.finish()

func collectives() throws {
    let rank = ranks.rank
    try say("rank \(rank) of \(ranks.size), local \(ranks.localRank) of \(ranks.localSize)")

    // Bytes of different lengths, none from rank 0.
    let texts = try ranks.gathered(Array(repeating: UInt8(rank), count: rank * 3))
    try say("gathered \(texts.map(\.count)) \(texts.map { $0.first.map(Int.init) ?? -1 })")
    let numbers = try ranks.gathered([Double(rank) / 3, .infinity])
    try say("doubles \(numbers == (0..<ranks.size).map { [Double($0) / 3, .infinity] })")

    // A tensor in another memory order than row-major.
    let tensor = try Tensor((0..<24).map { Float($0 + 100 * rank) }, shape: [1, 2, 3, 4]).channelsLast()
    try ranks.broadcast([tensor])
    try say("broadcast \(try tensor.floats() == (0..<24).map(Float.init)) \(tensor.isChannelsLast)")

    let values = try Tensor.full([100_000], Double(rank + 1))
    let sum = try ranks.beginSum(of: values)
    while try !sum.isDone() {}
    let second = try Tensor.full([3], 0.5)
    try ranks.beginSum(of: second).wait()
    try say("sum \(try Set(values.floats())) \(try second.floats())")
    do {
        _ = try ranks.beginSum(of: Tensor.zeros([2], dtype: .float64))
        try say("float64 was added")
    } catch { try say("\(error)") }

    if rank > 0 { try ranks.send(Array("from \(rank)".utf8), to: 0) }
    if rank == 0 {
        for other in 1..<ranks.size {
            var message: [UInt8]?
            while message == nil { message = try ranks.received(from: other) }
            print(String(decoding: message ?? [], as: UTF8.self))
        }
        print("left \(try ranks.received(from: 1) == nil)")
    }
    try ranks.barrier()
}

func agree() throws {
    struct Own: Error, CustomStringConvertible { let description: String }
    try say("value \(try ranks.agree { 3 })")
    do { try ranks.agree { throw Own(description: "all alike") } } catch let error as SharedFailure {
        try say("\(error), own \(error.cause is Own)")
    }
    do {
        try ranks.agree { if ranks.rank == 1 { throw Own(description: "just one") } }
    } catch let error as SharedFailure {
        try say("\(error)".replacingOccurrences(of: ranks.host, with: "HOST"))
    }
    try ranks.requireSame("a", "letters")
    do { try ranks.requireSame("\(ranks.rank / 1)", "letters") } catch { try say("\(error)") }
}

/// Gradients of every rank's part of a batch, averaged, beside those of the whole batch.
func gradients() throws {
    let shapes = [[8, 3, 3, 3], [8], [16, 8, 3, 3], [16], [4, 16, 1, 1], [4]]
    let parameters = try shapes.enumerated().map { index, shape in
        let count = shape.reduce(1, *)
        let value =
            try NoiseField(seed: 1, sample: index)
            .tensor(step: 0, channels: 1, height: 1, width: count).reshaped(shape) * 0.3
        let placed = shape.count == 4 ? try value.channelsLast() : value
        let leaf = try placed.detach().clone()
        try leaf.setRequiresGrad(true)
        return leaf
    }
    let unused = try Tensor.zeros([5])
    try unused.setRequiresGrad(true)
    func loss(_ samples: Range<Int>) throws -> Tensor {
        let input = try Tensor.concatenated(
            samples.map {
                try NoiseField(seed: 2, sample: $0).tensor(step: 0, channels: 3, height: 8, width: 8)
            }, dim: 0)
        var x = input
        for layer in 0..<3 {
            x = try conv(x, parameters[layer * 2], parameters[layer * 2 + 1], padding: layer < 2 ? 1 : 0)
                .silu()
        }
        return try x.squared().mean()
    }
    let batch = 6 * ranks.size
    try loss(0..<batch).backward()
    let expected = try parameters.map { try ($0.grad ?? $0).floats() }
    let wholeLoss = try loss(0..<batch).item()

    let own = (6 * ranks.rank)..<(6 * ranks.rank + 6)
    // A parameter that is not used waits for the end of the pass, and so does all behind it.
    for (bytes, more) in [(4, []), (2000, [unused]), (1 << 20, [])] {
        let buckets = try GradientBuckets(
            parameters + more, communicator: ranks, bucketBytes: bytes, carriedCount: 2)
        // Twice, with an earlier pass that is not averaged the second time.
        for passes in [1, 2] {
            for parameter in parameters { parameter.clearGrad() }
            if passes == 2 { try loss(own).backward() }
            let value = try loss(own)
            let carried = try buckets.average(
                carrying: Tensor.stacked([value.detach(), Tensor.full([], Double(ranks.rank))])
            ) { try value.backward() }
            var worst: Float = 0
            for (parameter, expected) in zip(parameters, expected) {
                let scale = expected.map(abs).max() ?? 1
                for (a, b) in zip(try (parameter.grad ?? parameter).floats(), expected) {
                    worst = max(worst, abs(a / Float(passes) - b) / scale)
                }
            }
            let means = try carried?.doubles() ?? []
            let lossError = abs((means.first ?? .nan) / wholeLoss - 1)
            try say(
                "buckets \(buckets.count) early \(buckets.overlappedCount) close \(worst < 2e-6) \(lossError < 2e-6) mean rank \(means.last ?? .nan) unused \(unused.grad == nil)"
            )
        }
    }
    // Without its buckets a parameter is as it was.
    for parameter in parameters { parameter.clearGrad() }
    try loss(own).backward()
    let alone = try parameters.map { try ($0.grad ?? $0).floats() }
    try say("alone differs \(alone != expected)")
}

func conv(_ x: Tensor, _ weight: Tensor, _ bias: Tensor, padding: Int) throws -> Tensor {
    try Operator("aten::conv2d").one(
        .tensor(x), .tensor(weight), .tensor(bias), .ints([1, 1]), .ints([padding, padding]))
}

/// A training run; prints the loss after each step.
func train(_ arguments: [String]) throws {
    let (recipe, data, output) = (arguments[0], arguments[1], arguments[2])
    let stop = arguments.count > 3 ? Int(arguments[3]) ?? 0 : Int.max
    let trainer = try Trainer(
        recipe: Recipe(path: recipe), recipeText: String(contentsOfFile: recipe, encoding: .utf8),
        options: .init(data: [data], output: output, manifests: [], device: .cpu, resume: true),
        ranks: ranks, logger: Logger(label: "train") { _ in SwiftLogNoOpLogHandler() })
    var count = 0
    let finished = try trainer.run(
        report: {
            count = $0.step
            if ranks.isRoot { print("loss \($0.loss)") }
            // Only one rank is asked to stop.
        }, isCancelled: { count >= stop && ranks.rank == ranks.size - 1 })
    if ranks.isRoot { print("finished \(finished)") }
}
