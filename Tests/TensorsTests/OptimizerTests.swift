import Foundation
import Testing

@testable import Tensors

struct OptimizerTests {
    /// Parameters of several shapes and layouts with a loss whose gradients differ in size.
    private final class Problem {
        let parameters: [(name: String, value: Tensor)]
        let targets: [Tensor]
        let weights: [Tensor]

        init(stream: UInt64 = 0) throws {
            let shapes = ["a": [7], "b": [4, 3, 3, 3], "c": [5, 6], "d": [1]]
            parameters = try shapes.keys.sorted().enumerated().map { index, name in
                let value = try randomTensor(shapes[name]!, stream: stream + UInt64(index))
                let placed = value.rank == 4 ? try value.channelsLast() : value
                try placed.setRequiresGrad(true)
                return (name, placed)
            }
            targets = try parameters.enumerated().map {
                try randomTensor($1.value.shape, stream: 10 + UInt64($0))
            }
            weights = try parameters.enumerated().map {
                try randomTensor($1.value.shape, bound: 50, stream: 20 + UInt64($0)).squared()
            }
        }

        func loss() throws -> Tensor {
            var sum = try Tensor.full([], 0)
            for (index, parameter) in parameters.enumerated() {
                sum = try sum + ((parameter.value - targets[index]).squared() * weights[index]).mean()
            }
            return sum
        }

        func step(_ optimizer: AdamW, rate: Double) throws {
            optimizer.clearGradients()
            try loss().backward()
            try optimizer.step(learningRate: .full([], rate))
        }
    }

    private static let settings = AdamW.Options(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05)

    @Test(.enabled(if: TensorReference.isAvailable, TensorReference.missing))
    func tenStepsEqualPyTorch() throws {
        let problem = try Problem()
        var given = try problem.parameters.map { ("p.\($0.name)", try $0.value.detach().clone()) }
        for (index, parameter) in problem.parameters.enumerated() {
            given.append(("t.\(parameter.name)", problem.targets[index]))
            given.append(("w.\(parameter.name)", problem.weights[index]))
        }
        let options = Self.settings
        let expected = try TensorReference.results(
            of: "adamw", given.map { (name: $0.0, value: $0.1) },
            [10, 0.02, options.beta1, options.beta2, options.epsilon, options.weightDecay])

        let optimizer = try AdamW(problem.parameters, options: options)
        for step in 0..<10 { try problem.step(optimizer, rate: 0.02 / Double(1 + step)) }
        let state = Dictionary(uniqueKeysWithValues: optimizer.state.map { ($0.name, $0.value) })
        for (name, value) in problem.parameters {
            let parameter = try relativeDifference(value, #require(try expected.tensor("p.\(name)")))
            let first = try relativeDifference(
                #require(state["\(name).exp_avg"]), #require(try expected.tensor("m.\(name)")))
            let second = try relativeDifference(
                #require(state["\(name).exp_avg_sq"]), #require(try expected.tensor("v.\(name)")))
            print("AdamW, ten steps, '\(name)': \(parameter), moments \(first) and \(second) from PyTorch")
            #expect(parameter < 1e-6, "\(name)")
            #expect(first < 1e-5, "\(name)")
            #expect(second < 1e-6, "\(name)")
            #expect(try state["\(name).step"]?.item() == 10)
        }
    }

    @Test func aParameterWithoutAGradientIsLeftAlone() throws {
        let problem = try Problem()
        let optimizer = try AdamW(problem.parameters, options: Self.settings)
        try optimizer.step(learningRate: .full([], 1))
        #expect(try largestDifference(problem.parameters[0].value, Problem().parameters[0].value) == 0)
        try problem.parameters[0].value.squared().sum().backward()
        try optimizer.step(learningRate: .full([], 0.1))
        #expect(try largestDifference(problem.parameters[0].value, Problem().parameters[0].value) > 0.05)
        #expect(try largestDifference(problem.parameters[1].value, Problem().parameters[1].value) == 0)
    }

    @Test func aSavedStateContinuesTheSameRun() throws {
        let straight = try Problem()
        let one = try AdamW(straight.parameters, options: Self.settings)
        for _ in 0..<3 { try straight.step(one, rate: 0.02) }
        let folder = try FilesTestFolder()
        let path = folder.file("state.safetensors")
        try SafetensorsWriter.write(
            straight.parameters.map { (name: "model.\($0.name)", value: $0.value) }
                + one.state.map { (name: "optimizer.\($0.name)", value: $0.value) }, to: path)

        let resumed = try Problem(stream: 40)
        let two = try AdamW(resumed.parameters, options: Self.settings)
        let file = try SafetensorsFile(path: path)
        try noGrad {
            for (name, value) in resumed.parameters {
                try value.copy(from: #require(try file.tensor("model.\(name)")))
            }
        }
        try two.load { try file.tensor("optimizer.\($0)") }
        for _ in 0..<3 {
            try straight.step(one, rate: 0.02)
            try resumed.step(two, rate: 0.02)
        }
        for (a, b) in zip(straight.parameters, resumed.parameters) {
            #expect(try a.value.bytes() == b.value.bytes(), "\(a.name)")
        }
        for (a, b) in zip(one.state, two.state) {
            #expect(try a.value.bytes() == b.value.bytes(), "\(a.name)")
        }

        let missing = try #require(throws: TensorError.self) { try two.load { _ in nil } }
        #expect(missing.reason.contains("'a.exp_avg'"))
        #expect(throws: TensorError.self) { try two.load { _ in try Tensor.zeros([2]) } }
    }

    @Test(.enabled(if: TensorReference.isAvailable, TensorReference.missing), arguments: [0.5, 3, 1000])
    func clippingEqualsPyTorch(limit: Double) throws {
        let problem = try Problem()
        try problem.loss().backward()
        let gradients = try problem.parameters.map { ($0.name, try #require($0.value.grad).clone()) }
        let expected = try TensorReference.results(
            of: "clip", gradients.map { (name: $0.0, value: $0.1) }, [limit])
        let norm = try clipGradients(problem.parameters.map(\.value), limit: limit)
        let wanted = try #require(try expected.tensor("norm")).item()
        #expect(abs(try norm.item() - wanted) < 1e-6 * wanted)
        for (name, value) in problem.parameters {
            let gradient = try #require(value.grad)
            #expect(try relativeDifference(gradient, #require(try expected.tensor(name))) < 1e-6, "\(name)")
        }
        #expect(try clipGradients([Tensor([1])], limit: 1).item() == 0)
    }

    @Test func theAverageFollowsItsFormula() throws {
        let parameter = try Tensor([1, -2])
        let ema = try EMA([(name: "p", value: parameter)], decay: 0.6)
        var expected = [1.0, -2.0]
        for step in 1...12 {
            let live = [Float(step) * 0.5, 3 - Float(step)]
            try parameter.copy(from: Tensor(live))
            try ema.update()
            let decay = min(0.6, Double(1 + step) / Double(10 + step))
            expected = zip(expected, live).map { decay * $0 + (1 - decay) * Double($1) }
            for (found, wanted) in zip(try ema.averages[0].value.floats(), expected) {
                #expect(abs(Double(found) - wanted) < 2e-6 * max(1, abs(wanted)), "step \(step)")
            }
        }
        #expect(ema.updates == 12)
    }

    @Test func swappedPutsTheLiveValuesBack() throws {
        let parameter = try Tensor([4, 8])
        let ema = try EMA([(name: "p", value: parameter)], decay: 0.9)
        try parameter.copy(from: Tensor([5, 9]))
        #expect(try ema.swapped { try parameter.floats() } == [4, 8])
        #expect(try parameter.floats() == [5, 9])
        struct Failure: Error {}
        #expect(throws: Failure.self) { try ema.swapped { throw Failure() } }
        #expect(try parameter.floats() == [5, 9])
        #expect(try ema.averages[0].value.floats() == [4, 8])

        try ema.load({ _ in try Tensor([1, 2]) }, updates: 90)
        #expect(ema.updates == 90)
        #expect(try ema.averages[0].value.floats() == [1, 2])
        let missing = try #require(throws: TensorError.self) { try ema.load({ _ in nil }, updates: 1) }
        #expect(missing.reason.contains("'p'"))
    }
}
