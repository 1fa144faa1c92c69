import Tensors
import Testing

@testable import Diffusion

struct ObjectiveTests {
    @Test func minSNRFactors() {
        let weighting = LossWeighting.minSNR(limit: 5)
        for (gamma, snr) in [(0.5, 1.0), (0.2, 0.25), (0.9, 9.0), (0.99, 99.0)] {
            let clipped = min(snr, 5)
            // The same weight on x₀'s error, seen from each prediction: ‖x̂₀ − x₀‖² is
            // ‖ε̂ − ε‖²/SNR and ‖v̂ − v‖²·(1 − γ) = ‖v̂ − v‖²/(SNR + 1).
            let expected: [Parameterization: Double] = [
                .clean: clipped, .noise: clipped / snr, .velocity: clipped / (snr + 1),
            ]
            for (parameterization, wanted) in expected {
                let found = weighting.factor(gamma: gamma, parameterization: parameterization)
                #expect(abs(found - wanted) < 1e-12, "\(parameterization) at γ = \(gamma)")
                #expect(LossWeighting.none.factor(gamma: gamma, parameterization: parameterization) == 1)
            }
        }
        for parameterization in Parameterization.allCases {
            for gamma in [0, 1] {
                let factor = weighting.factor(gamma: Double(gamma), parameterization: parameterization)
                #expect(factor.isFinite && factor >= 0)
            }
        }
    }

    /// Loss and gradient against sums over plain numbers, for a network that is one factor: w·x_t.
    @Test(arguments: Parameterization.allCases, LossKind.allCases)
    func valueAndGradientByHand(_ parameterization: Parameterization, _ loss: LossKind) throws {
        let shape = [3, 2, 4, 5]
        let clean = try randomTensor(shape, dtype: .float32)
        let noise = try randomTensor(shape, bound: 2, stream: 1, dtype: .float32)
        let gammas = [0.05, 0.6, 0.95]
        let size = 2 * 4 * 5
        for weighting in [LossWeighting.none, .minSNR(limit: 5)] {
            let factor = 0.37
            let weight = try Tensor([Float(factor)])
            try weight.setRequiresGrad(true)
            let objective = Objective(
                loss: loss, parameterization: parameterization, weighting: weighting)
            let value = try objective.value(
                clean: clean, noise: noise, levels: objective.levels(gammas, on: .cpu)
            ) { noisy, level in
                #expect(level.shape == [3])
                return try noisy * weight
            }
            try value.backward()

            var (expected, slope) = (0.0, 0.0)
            for (index, (x0, e)) in try zip(doubles(clean), doubles(noise)).enumerated() {
                let gamma = gammas[index / size]
                let (signal, sigma) = (gamma.squareRoot(), (1 - gamma).squareRoot())
                let noisy = signal * x0 + sigma * e
                let target =
                    switch parameterization {
                    case .noise: e
                    case .clean: x0
                    case .velocity: signal * e - sigma * x0
                    }
                let error = factor * noisy - target
                let share =
                    weighting.factor(gamma: gamma, parameterization: parameterization) / Double(3 * size)
                expected += share * (loss == .l1 ? abs(error) : error * error)
                slope += share * noisy * (loss == .l1 ? (error > 0 ? 1 : -1) : 2 * error)
            }
            #expect(abs(try value.item() - expected) < 1e-5 * expected, "\(weighting)")
            let gradient = try #require(weight.grad).item()
            #expect(abs(gradient - slope) < 1e-5 * max(1, abs(slope)), "\(weighting)")
        }
    }

    /// Each sample is noised to its own level: a network that sees it can tell.
    @Test func everySampleHasItsOwnLevel() throws {
        let gammas = [0.1, 0.5, 0.9]
        var seen: [Double] = []
        var spread: [Double] = []
        let objective = Objective(loss: .l2, parameterization: .noise)
        _ = try objective.value(
            clean: Tensor.zeros([3, 1, 64, 64]),
            noise: NoiseField(seed: 1).tensor(step: 0, channels: 3, height: 64, width: 64).reshaped([
                3, 1, 64, 64,
            ]),
            levels: objective.levels(gammas, on: .cpu)
        ) { noisy, level in
            seen = try doubles(level)
            spread = try doubles(noisy.squared().mean([1, 2, 3]))
            return noisy
        }
        for index in 0..<3 {
            #expect(abs(seen[index] - gammas[index]) < 1e-7)
            #expect(abs(spread[index] / (1 - gammas[index]) - 1) < 4.5 * (2.0 / 4096).squareRoot())
        }
    }
}
