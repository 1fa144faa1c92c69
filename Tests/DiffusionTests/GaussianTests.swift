import Foundation
import Tensors
import Testing

@testable import Diffusion

/// Data from N(0, s²), where the best network is known: E[x₀ | x_t] = √γ·s²/(γ·s² + 1 − γ)·x_t.
///
/// Every sampler is then linear in its draws, so that draws which are 1 at a pixel of their own
/// give the factor of each draw, and the variance of the result without any statistics.
struct GaussianTests {
    private static func shrinkage(_ gamma: Double, _ deviation: Double) -> Double {
        let variance = deviation * deviation
        return gamma.squareRoot() * variance / (gamma * variance + 1 - gamma)
    }

    private static func denoiser(_ deviation: Double) -> Denoiser {
        { noisy, gamma in try noisy * shrinkage(gamma, deviation) }
    }

    /// The factors of draw 0, 1, … in the result.
    private static func factors(_ sampler: Sampler, _ deviation: Double, _ levels: [Double]) throws
        -> [Double]
    {
        let draws = levels.count
        let given = SamplingContext(
            parameterization: .clean,
            noise: { draw in
                var values = [Double](repeating: 0, count: draws)
                values[draw] = 1
                return try Tensor(values, shape: [1, 1, 1, draws], dtype: .float64)
            })
        return try doubles(sampler.sample(denoiser(deviation), levels: levels, context: given))
    }

    private static func variance(_ sampler: Sampler, _ deviation: Double, _ levels: [Double]) throws -> Double
    {
        try factors(sampler, deviation, levels).reduce(0) { $0 + $1 * $1 }
    }

    private static let paper = "linear:1e-6:1e-2:2000"

    /// Over all 2000 steps the samples have the data's variance, by every sampler. What is missing
    /// is the error of the step size: largest for narrow data, halved by twice the steps.
    @Test(arguments: [(0.1, 0.04), (0.5, 0.01), (1, 0.005), (2, 0.005)])
    func samplesHaveTheVarianceOfTheData(deviation: Double, tolerance: Double) throws {
        let data = deviation * deviation
        let levels = try NoiseSchedule(parsing: Self.paper).samplingLevels(2000)
        let samplers: [Sampler] = [
            .ddpm(variance: 1), .ddpm(variance: 2), .ddim(eta: 0), .ddim(eta: 0.5), .ddim(eta: 1), .dpmSolver,
        ]
        for sampler in samplers {
            let ratio = try Self.variance(sampler, deviation, levels) / data
            print("N(0, \(deviation)²), 2000 steps, \(sampler): variance \(ratio) of the data's")
            #expect(abs(ratio - 1) < tolerance, "\(sampler)")
        }
        // Without noise the ancestral mean loses variety: a wrong σ would not be noticed otherwise.
        #expect(try Self.variance(.ddpm(variance: 0), deviation, levels) < 0.5 * data)
    }

    @Test func twiceTheStepsHalveTheErrorOfAncestralSampling() throws {
        let errors = try ["linear:1e-6:1e-2:2000", "linear:5e-7:5e-3:4000"].map { text in
            let schedule = try NoiseSchedule(parsing: text)
            let levels = try schedule.samplingLevels(schedule.stepCount)
            return try 1 - Self.variance(.ddpm(variance: 1), 0.1, levels) / 0.01
        }
        #expect(errors[0] > 0)
        #expect((0.45...0.55).contains(errors[1] / errors[0]), "\(errors)")
    }

    /// For s = 1 the reverse transition with σ² = β is exact at any number of steps; what is
    /// missing at the end is the noise of the last step: the variance is γ of the last level.
    @Test(arguments: [1, 2, 7, 100])
    func theUpperVarianceIsExactForUnitData(steps: Int) throws {
        let levels = try NoiseSchedule(parsing: Self.paper).samplingLevels(steps)
        let found = try Self.variance(.ddpm(variance: 2), 1, levels)
        #expect(abs(found - levels[steps - 1]) < 1e-12)
    }

    /// The deterministic samplers against the exact solution of the probability flow, at 200 steps.
    @Test(arguments: [0.3, 1, 1.5])
    func deterministicSamplersFollowTheFlow(deviation: Double) throws {
        let levels = Self.levels(200)
        let exact = Self.exact(deviation, levels)
        for (sampler, tolerance) in [(Sampler.ddim(eta: 0), 0.05), (.dpmSolver, 0.001)] {
            let factors = try Self.factors(sampler, deviation, levels)
            #expect(factors.dropFirst().allSatisfy { $0 == 0 }, "no draw but the first is used")
            #expect(abs(factors[0] / exact - 1) < tolerance, "\(sampler)")
        }
    }

    /// Levels equally spaced in log-SNR from that of the paper's schedule to 10⁴, then 1.
    private static func levels(_ steps: Int) -> [Double] {
        let (first, last) = (log(4.4e-5), log(1e4))
        var levels = (0...steps).map { index -> Double in
            let logSNR = first + (last - first) * Double(index) / Double(steps)
            return 1 / (1 + exp(-logSNR))
        }
        levels.append(1)
        return levels
    }

    /// The flow keeps x/√(γs² + 1 − γ); the last step returns E[x₀ | x].
    private static func exact(_ deviation: Double, _ levels: [Double]) -> Double {
        func width(_ gamma: Double) -> Double { (gamma * deviation * deviation + 1 - gamma).squareRoot() }
        let last = levels[levels.count - 2]
        return shrinkage(last, deviation) * width(last) / width(levels[0])
    }

    @Test(arguments: [0.3, 1.5])
    func dpmSolverIsOfSecondOrder(deviation: Double) throws {
        func error(_ sampler: Sampler, _ steps: Int) throws -> Double {
            let levels = Self.levels(steps)
            let exact = Self.exact(deviation, levels)
            return try abs(Self.factors(sampler, deviation, levels)[0] / exact - 1)
        }
        func order(_ sampler: Sampler) throws -> Double {
            try log2(error(sampler, 160) / error(sampler, 320))
        }
        let (first, second) = (try order(.ddim(eta: 0)), try order(.dpmSolver))
        print("order of convergence for N(0, \(deviation)²): DDIM \(first), DPM-Solver++(2M) \(second)")
        #expect((0.9...1.1).contains(first))
        #expect((1.8...2.2).contains(second))
        for steps in [20, 40, 80] {
            #expect(try error(.dpmSolver, steps) < error(.ddim(eta: 0), steps) / 2, "\(steps) steps")
        }
    }
}
