import Tensors
import Testing

@testable import Diffusion

struct ParameterizationTests {
    private static let levels = [4.4e-5, 0.01, 0.3, 0.5, 0.97, 0.999999]

    /// A network that hits its target says exactly which picture and which noise there were.
    @Test(arguments: Parameterization.allCases, levels)
    func targetAndEstimateAreInverse(_ parameterization: Parameterization, gamma: Double) throws {
        let clean = try randomTensor([2, 3, 4, 5])
        let noise = try randomTensor([2, 3, 4, 5], bound: 3, stream: 1)
        let level = try Tensor([gamma, gamma], shape: [2], dtype: .float64)
        let noisy = try ForwardProcess.noisy(clean: clean, noise: noise, signalLevel: level)
        let target = try parameterization.target(clean: clean, noise: noise, level: level.perSample())
        let estimate = try parameterization.estimate(prediction: target, noisy: noisy, gamma: gamma)
        #expect(try largestDifference(estimate.clean, clean) < 1e-10)
        #expect(try largestDifference(estimate.noise, noise) < 1e-10)
    }

    @Test func velocityIsItsFormula() throws {
        let gamma = 0.36
        let clean = try Tensor([0.5, -1], shape: [1, 1, 1, 2])
        let noise = try Tensor([2, 1], shape: [1, 1, 1, 2])
        let level = try Tensor([Float(gamma)]).perSample()
        let velocity = try doubles(Parameterization.velocity.target(clean: clean, noise: noise, level: level))
        // √γ·ε − √(1−γ)·x₀ = 0.6·ε − 0.8·x₀
        #expect(abs(velocity[0] - 0.8) < 1e-6 && abs(velocity[1] - 1.4) < 1e-6)
        // x_t = 0.6·x₀ + 0.8·ε = (1.9, 0.2)
        let estimate = try Parameterization.velocity.estimate(
            prediction: Tensor([0.8, 1.4], shape: [1, 1, 1, 2]),
            noisy: Tensor([1.9, 0.2], shape: [1, 1, 1, 2]),
            gamma: gamma)
        #expect(try largestDifference(estimate.clean, clean) < 1e-6)
        #expect(try largestDifference(estimate.noise, noise) < 1e-6)
    }

    @Test(arguments: Parameterization.allCases)
    func aWrongPredictionStaysConsistentWithTheNoisyPicture(_ parameterization: Parameterization) throws {
        // Whatever was predicted, √γ·x̂₀ + √(1−γ)·ε̂ is x_t.
        let noisy = try randomTensor([1, 3, 4, 4], bound: 2)
        let prediction = try randomTensor([1, 3, 4, 4], bound: 2, stream: 1)
        for gamma in [0.01, 0.5, 0.99] {
            let estimate = try parameterization.estimate(prediction: prediction, noisy: noisy, gamma: gamma)
            for one in [estimate, try estimate.limited(to: .symmetric(0.4), noisy: noisy, gamma: gamma)] {
                let again = try gamma.squareRoot() * one.clean + (1 - gamma).squareRoot() * one.noise
                #expect(try largestDifference(again, noisy) < 1e-12)
            }
        }
    }

    @Test func clampingLimitsThePictureAndRecomputesTheNoise() throws {
        let noisy = try Tensor([2.0, 0.1, -2.0], shape: [1, 1, 1, 3], dtype: .float64)
        let prediction = try Tensor([1.7, 0.3, -4.0], shape: [1, 1, 1, 3], dtype: .float64)
        let plain = try Parameterization.clean.estimate(prediction: prediction, noisy: noisy, gamma: 0.36)
        let clamped = try plain.limited(to: .symmetric(1), noisy: noisy, gamma: 0.36)
        #expect(try doubles(clamped.clean) == [1, 0.3, -1])
        // ε̂ = (x_t − 0.6·x̂₀)/0.8
        let expected = [1.75, (0.1 - 0.18) / 0.8, -1.75]
        for (found, wanted) in zip(try doubles(clamped.noise), expected) {
            #expect(abs(found - wanted) < 1e-12)
        }
    }
}
