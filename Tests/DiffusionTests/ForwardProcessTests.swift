import Tensors
import Testing

@testable import Diffusion

struct ForwardProcessTests {
    private static let schedule = "linear:1e-4:0.1:100"

    /// T small steps and one jump draw from the same distribution: mean √ᾱ_T·x₀, variance 1 − ᾱ_T.
    @Test(arguments: [10, 40, 100])
    func manyStepsEqualOneJump(steps: Int) throws {
        let schedule = try NoiseSchedule(parsing: Self.schedule)
        let gamma = schedule.signalLevels[steps]
        let clean = 0.8
        var x = try Tensor.full([1, 4, 128, 128], clean)
        for t in 1...steps {
            let noise = try NoiseField(seed: 3).tensor(step: t, channels: 4, height: 128, width: 128)
            x = try ForwardProcess.step(x, beta: schedule.betas[t - 1], noise: noise)
        }
        let jump = try ForwardProcess.noisy(
            clean: Tensor.full([1, 4, 128, 128], clean),
            noise: NoiseField(seed: 4).tensor(step: 0, channels: 4, height: 128, width: 128),
            signalLevel: Tensor([Float(gamma)]))
        for (name, values) in [("steps", try doubles(x)), ("jump", try doubles(jump))] {
            let count = Double(values.count)
            let mean = values.reduce(0, +) / count
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
            let meanError = ((1 - gamma) / count).squareRoot()
            let varianceError = (1 - gamma) * (2 / count).squareRoot()
            #expect(abs(mean - gamma.squareRoot() * clean) < 4 * meanError, "\(name)")
            #expect(abs(variance - (1 - gamma)) < 4 * varianceError, "\(name)")
        }
    }

    /// The factors of x₀ and of each draw, without statistics: draw t is 1 at pixel t and else 0.
    @Test func theFactorsOfManyStepsAreThoseOfTheJump() throws {
        let schedule = try NoiseSchedule(parsing: Self.schedule)
        let steps = schedule.stepCount
        func impulse(_ index: Int) throws -> Tensor {
            var values = [Double](repeating: 0, count: steps + 1)
            values[index] = 1
            return try Tensor(values, shape: [1, 1, 1, steps + 1], dtype: .float64)
        }
        var x = try impulse(0)
        for t in 1...steps { x = try ForwardProcess.step(x, beta: schedule.betas[t - 1], noise: impulse(t)) }
        let factors = try doubles(x)
        let gamma = schedule.signalLevels[steps]
        #expect(abs(factors[0] - gamma.squareRoot()) < 1e-14)
        #expect(abs(factors.dropFirst().reduce(0) { $0 + $1 * $1 } - (1 - gamma)) < 1e-12)
    }

    @Test func everySampleHasItsOwnLevel() throws {
        let clean = try randomTensor([3, 2, 5, 4], dtype: .float32)
        let noise = try randomTensor([3, 2, 5, 4], stream: 1, dtype: .float32)
        let levels: [Double] = [0, 0.36, 1]
        let noisy = try ForwardProcess.noisy(
            clean: clean, noise: noise, signalLevel: Tensor(levels.map(Float.init)))
        for (index, level) in levels.enumerated() {
            func sample(_ x: Tensor) throws -> Tensor { try x.narrowed(0, start: index, count: 1) }
            let expected = try level.squareRoot() * sample(clean) + (1 - level).squareRoot() * sample(noise)
            #expect(try largestDifference(sample(noisy), expected) < 1e-6)
        }
        #expect(throws: TensorError.self) {
            try ForwardProcess.noisy(clean: clean, noise: noise, signalLevel: Tensor([0.5, 0.5]))
        }
    }
}
