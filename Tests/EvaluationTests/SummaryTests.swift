import Diffusion
import Evaluation
import Foundation
import Testing

@Suite("Means and their confidence")
struct SummaryTests {
    /// Five values with known mean and deviation: t of 4 degrees of freedom is 2.77645.
    @Test func halfWidthIsStudents() {
        let estimate = EvaluationSummary.Estimate([1, 2, 3, 4, 5])
        #expect(estimate.mean == 3)
        #expect(abs(estimate.halfWidth - 2.77645 * (2.5 / 5).squareRoot()) < 1e-6)
    }

    /// Quantiles from tables of Student's distribution.
    @Test(arguments: [(12, 2.17881), (15, 2.13145), (20, 2.08596), (30, 2.04227), (99, 1.98422)])
    func quantilesBeyondTheTable(freedom: Int, wanted: Double) {
        // Values ±1 in equal numbers have a known variance.
        let count = freedom + 1
        let values = (0..<count).map { Double($0) }
        let middle = Double(freedom) / 2
        let variance = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(freedom)
        let found = EvaluationSummary.Estimate(values).halfWidth / (variance / Double(count)).squareRoot()
        #expect(abs(found - wanted) < 2e-4)
    }

    @Test func oneValueAndInfinityHaveNoInterval() {
        #expect(EvaluationSummary.Estimate([7]).halfWidth.isNaN)
        let infinite = EvaluationSummary.Estimate([30, .infinity])
        #expect(infinite.mean == .infinity)
        #expect(infinite.halfWidth.isNaN)
    }

    @Test func labelsAndIdentifiers() {
        func method(_ kind: SamplingDefaults.Method, _ steps: Int, eta: Double = 0) -> EvaluationMethod {
            EvaluationMethod(
                SamplingDefaults(method: kind, steps: steps, eta: eta), maximumNoise: 0.5, samples: [4, 1, 4])
        }
        #expect(method(.ddim, 1).samples == [1, 4])
        #expect(method(.ddim, 1).label(samples: 1) == "1 ddim from noise 0.5 step")
        #expect(method(.ddim, 5, eta: 1).label(samples: 4) == "5 ddim η=1 from noise 0.5 steps × 4")
        #expect(
            EvaluationMethod(SamplingDefaults(method: .ddpm, steps: 3, variance: 2), samples: [1])
                .label(samples: 1) == "3 ddpm σ²=2 steps")
    }
}
