import Testing

@testable import Tensors

struct MuonTests {
    /// Singular values of every size come out near 1: X·Xᵀ has its eigenvalues between 0.7² and 1.2².
    @Test(arguments: [[8, 40], [40, 8], [16, 16], [1, 9], [9, 1]])
    func updatesAreOrthogonal(shape: [Int]) throws {
        let count = shape[0] * shape[1]
        let random = try NoiseField(seed: 3).tensor(step: 0, channels: 1, height: 1, width: count)
            .reshaped(shape)
        // Rows of very different size.
        let sizes = (0..<shape[0]).map { Float($0 % 4 + 1) }
        let matrix = try random * Tensor(sizes, shape: [shape[0], 1])
        let result = try Muon.orthogonalized(matrix.reshaped([1] + shape)).reshaped(shape)
        #expect(result.shape == shape)
        let square =
            try shape[0] <= shape[1]
            ? result.matmul(result.permuted([1, 0])) : result.permuted([1, 0]).matmul(result)
        let side = square.shape[0]
        let values = try square.floats()
        let trace = (0..<side).reduce(0) { $0 + values[$1 * side + $1] } / Float(side)
        #expect(trace > 0.48 && trace < 1.45, "\(trace)")
        // The largest eigenvalue, by repeated multiplication.
        var vector = try Tensor.full([side, 1], 1)
        var largest = 0.0
        for _ in 0..<50 {
            let next = try square.matmul(vector)
            largest = try next.squared().sum().squareRoot().item()
            vector = try next / largest
        }
        #expect(largest < 1.45, "\(largest)")
    }

    /// The step on the small square matrix equals the source's iteration on the whole matrix.
    @Test func itIsTheIterationOfTheSource() throws {
        let matrix = try NoiseField(seed: 4).tensor(step: 0, channels: 1, height: 6, width: 30).reshaped([
            6, 30,
        ])
        var x = try matrix / (matrix.squared().sum().squareRoot() + 1e-7)
        for _ in 0..<5 {
            let a = try x.matmul(x.permuted([1, 0]))
            x = try x * 3.4445 + (a * -4.7750 + a.matmul(a) * 2.0315).matmul(x)
        }
        let difference = try (Muon.orthogonalized(matrix.reshaped([1, 6, 30])).reshaped([6, 30]) - x)
            .magnitude().max().item()
        #expect(difference < 1e-4)
    }

    @Test func itDescends() throws {
        let weight = try Tensor((0..<36).map { Float($0 % 7) - 3 }, shape: [4, 1, 3, 3])
        try weight.setRequiresGrad(true)
        let muon = try Muon([(name: "w", value: weight)])
        var losses: [Double] = []
        for step in 0..<120 {
            weight.clearGrad()
            let loss = try weight.squared().sum()
            losses.append(try loss.detach().item())
            try loss.backward()
            try muon.step(learningRate: .full([], 0.3 * (1 - Double(step) / 120)))
        }
        #expect(losses.last ?? .infinity < losses[0] * 0.05, "\(losses[0]) to \(losses.last ?? .nan)")
    }

    @Test func theStateComesBack() throws {
        func run(_ steps: Int, _ muon: Muon, _ weight: Tensor) throws {
            for _ in 0..<steps {
                weight.clearGrad()
                try (weight - 1).squared().sum().backward()
                try muon.step(learningRate: .full([], 0.02))
            }
        }
        func weight() throws -> Tensor {
            let made = try Tensor((0..<12).map(Float.init), shape: [3, 4])
            try made.setRequiresGrad(true)
            return made
        }
        let (straight, first, second) = (try weight(), try weight(), try weight())
        try run(5, Muon([(name: "w", value: straight)]), straight)
        let muon = try Muon([(name: "w", value: first)])
        try run(2, muon, first)
        try noGrad { try second.copy(from: first) }
        let other = try Muon([(name: "w", value: second)])
        try other.load { name in muon.state.first { $0.name == name }?.value }
        try run(3, other, second)
        #expect(try second.bytes() == straight.bytes())
        #expect(throws: TensorError.self) { try other.load { _ in nil } }
    }
}
