import Tensors
import Testing

@testable import Diffusion

struct SamplerTests {
    private static let shape = [1, 3, 6, 7]
    private static let samplers: [Sampler] = [
        .ddpm(variance: 0), .ddpm(variance: 1), .ddpm(variance: 2), .ddpm(variance: 0.4), .ddim(eta: 0),
        .ddim(eta: 0.5), .ddim(eta: 1), .dpmSolver,
    ]

    private static func levels(_ steps: Int) throws -> [Double] {
        try NoiseSchedule(parsing: "linear:1e-6:1e-2:2000").samplingLevels(steps)
    }

    /// A network that knows the picture leads every sampler to it, in any number of steps.
    @Test(arguments: samplers, Parameterization.allCases)
    func aPerfectNetworkGivesThePicture(_ sampler: Sampler, _ parameterization: Parameterization) throws {
        let clean = try randomTensor(Self.shape)
        for steps in [1, 2, 5, 20] {
            let found = try sampler.sample(
                oracle(clean, parameterization), levels: Self.levels(steps),
                context: context(parameterization, shape: Self.shape))
            #expect(try largestDifference(found, clean) < 1e-10, "\(steps) steps")
        }
    }

    /// The intermediate x_t of a perfect network stays on the forward process: it is
    /// √γ·x₀ + √(1−γ)·z with z of unit variance. Reaching x₀ at the end does not show this.
    @Test(arguments: [Sampler.ddpm(variance: 1), .ddim(eta: 0), .ddim(eta: 0.5), .ddim(eta: 1), .dpmSolver])
    func theWayThereIsThatOfTheForwardProcess(_ sampler: Sampler) throws {
        let shape = [1, 4, 64, 64]
        let clean = try randomTensor(shape)
        let known = oracle(clean, .velocity)
        var seen = 0
        _ = try sampler.sample(
            { noisy, gamma in
                let noise = try doubles((noisy - gamma.squareRoot() * clean) / (1 - gamma).squareRoot())
                let count = Double(noise.count)
                let mean = noise.reduce(0, +) / count
                let variance = noise.reduce(0) { $0 + $1 * $1 } / count
                #expect(abs(mean) < 4.5 / count.squareRoot(), "γ = \(gamma)")
                #expect(abs(variance - 1) < 4.5 * (2 / count).squareRoot(), "γ = \(gamma)")
                seen += 1
                return try known(noisy, gamma)
            }, levels: Self.levels(8), context: context(.velocity, shape: shape))
        #expect(seen == 8)
    }

    /// A network that knows nothing in particular, so that only equal formulas agree.
    private static func arbitrary(_ noisy: Tensor, _ gamma: Double) throws -> Tensor {
        try (noisy * 1.7 + gamma).sin() * 0.8 + noisy * 0.3
    }

    @Test(arguments: Parameterization.allCases, [nil, 0.7])
    func ddimWithNoiseIsAncestralSampling(_ parameterization: Parameterization, clampBound: Double?) throws {
        let schedule = try NoiseSchedule(parsing: "linear:1e-4:0.1:100")
        let levels = try schedule.samplingLevels(schedule.stepCount)
        let given = context(parameterization, shape: Self.shape, clampBound: clampBound)
        let ddim = try ddimSample(Self.arbitrary, levels: levels, eta: 1, context: given)
        let ddpm = try ancestralSample(Self.arbitrary, levels: levels, variance: 1, context: given)
        #expect(try relativeDifference(ddim, ddpm) < 1e-9)
        let other = try ancestralSample(Self.arbitrary, levels: levels, variance: 2, context: given)
        #expect(try relativeDifference(other, ddpm) > 1e-3, "β is not β̃")
    }

    /// Each sampler's first step against its formula, written out in numbers.
    @Test func oneStepByHand() throws {
        let (gamma, next, x, z) = (0.2, 0.5, 1.3, -0.7)
        let prediction = 0.4  // of the noise
        let clean = (x - (1 - gamma).squareRoot() * prediction) / gamma.squareRoot()
        func second(_ sampler: Sampler, clampBound: Double? = nil) throws -> Double {
            var seen: [Double] = []
            var given = SamplingContext(
                parameterization: .noise,
                noise: { try Tensor([$0 == 0 ? x : z], shape: [1, 1, 1, 1], dtype: .float64) })
            given.limit = clampBound.map(CleanLimit.symmetric)
            _ = try sampler.sample(
                { noisy, _ in
                    seen.append(try noisy.item())
                    return try Tensor([prediction], shape: [1, 1, 1, 1], dtype: .float64)
                }, levels: [gamma, next, 1], context: given)
            #expect(seen.count == 2 && seen[0] == x)
            return seen[1]
        }
        let alpha = gamma / next
        let beta = 1 - alpha
        // DDPM, eq. 11: (x − β/√(1−γ_t)·ε̂)/√α + σ·z.
        let mean = (x - beta / (1 - gamma).squareRoot() * prediction) / alpha.squareRoot()
        let posterior = beta * (1 - next) / (1 - gamma)
        #expect(abs(try second(.ddpm(variance: 0)) - mean) < 1e-12)
        #expect(abs(try second(.ddpm(variance: 1)) - (mean + posterior.squareRoot() * z)) < 1e-12)
        #expect(abs(try second(.ddpm(variance: 2)) - (mean + beta.squareRoot() * z)) < 1e-12)
        #expect(abs(try second(.ddpm(variance: 0.5)) - (mean + (posterior / 2).squareRoot() * z)) < 1e-12)
        // DDIM, eq. 12 and 16.
        for eta in [0, 0.5, 1] {
            let sigma = eta * ((1 - next) / (1 - gamma)).squareRoot() * (1 - gamma / next).squareRoot()
            let expected =
                next.squareRoot() * clean + (1 - next - sigma * sigma).squareRoot() * prediction + sigma * z
            #expect(abs(try second(.ddim(eta: eta)) - expected) < 1e-12, "η = \(eta)")
        }
        // The first step of DPM-Solver++ is DDIM's.
        #expect(abs(try second(.dpmSolver) - second(.ddim(eta: 0))) < 1e-12)
        // Clamping to 0.5: the noise must be that of the clamped picture.
        let limited = max(-0.5, min(0.5, clean))
        try #require(limited != clean)
        let implied = (x - gamma.squareRoot() * limited) / (1 - gamma).squareRoot()
        let expected = next.squareRoot() * limited + (1 - next).squareRoot() * implied
        #expect(abs(try second(.ddim(eta: 0), clampBound: 0.5) - expected) < 1e-12)
        #expect(abs(try second(.dpmSolver, clampBound: 0.5) - expected) < 1e-12)
    }

    @Test(arguments: samplers)
    func theResultIsClamped(_ sampler: Sampler) throws {
        let clean = try randomTensor(Self.shape, bound: 3)
        let found = try sampler.sample(
            oracle(clean, .velocity), levels: Self.levels(4),
            context: context(.velocity, shape: Self.shape, clampBound: 1))
        #expect(try largestDifference(found, clean.clamped(-1, 1)) < 1e-10)
    }

    @Test func temperatureScalesTheFirstNoiseOnly() throws {
        var given = context(.velocity, shape: Self.shape)
        let start = try given.noise(0)
        for temperature in [0, 0.6, 1] {
            given.temperature = temperature
            var first: Tensor?
            _ = try ddimSample(
                { noisy, _ in
                    first = first ?? noisy
                    return noisy
                }, levels: Self.levels(3), context: given)
            #expect(try largestDifference(#require(first), start * temperature) < 1e-15)
        }
    }

    @Test(arguments: samplers)
    func progressIsToldAndCancellationHeard(_ sampler: Sampler) throws {
        var told: [[Int]] = []
        var given = context(.velocity, shape: Self.shape)
        given.progress = { told.append([$0, $1]) }
        let clean = try randomTensor(Self.shape)
        _ = try sampler.sample(oracle(clean, .velocity), levels: Self.levels(3), context: given)
        #expect(told == [[0, 3], [1, 3], [2, 3], [3, 3]])

        var looks = 0
        given.isCancelled = { looks == 2 }
        #expect(throws: CancellationError.self) {
            try sampler.sample(
                { noisy, gamma in
                    looks += 1
                    return try oracle(clean, .velocity)(noisy, gamma)
                }, levels: Self.levels(20), context: given)
        }
        #expect(looks == 2)
    }

    @Test(arguments: [
        [], [1], [0.5], [0.5, 0.9], [0, 0.5, 1], [-0.1, 1], [0.5, 0.5, 1], [0.6, 0.5, 1], [0.5, 1, 1],
        [.nan, 1], [0.1, .nan, 1],
    ])
    func levelsThatDoNotRiseAreRefused(levels: [Double]) throws {
        for sampler in Self.samplers {
            let error = try #require(throws: SamplingError.self) {
                try sampler.sample(
                    Self.arbitrary, levels: levels, context: context(.clean, shape: Self.shape))
            }
            #expect(error.description == "signal levels must rise strictly from above 0 to 1")
        }
    }

    @Test func settingsOutOfRangeAreRefused() throws {
        let given = context(.clean, shape: Self.shape)
        for bad in [-0.01, 1.01, .nan, .infinity] {
            #expect(throws: SamplingError.self) {
                try ddimSample(Self.arbitrary, levels: [0.1, 1], eta: bad, context: given)
            }
        }
        for bad in [-0.01, 2.01, .nan, .infinity] {
            #expect(throws: SamplingError.self) {
                try ancestralSample(Self.arbitrary, levels: [0.1, 1], variance: bad, context: given)
            }
        }
    }

    @Test func samplingRecordsNoGradients() throws {
        let weight = try Tensor([0.5])
        try weight.setRequiresGrad(true)
        let found = try ddimSample(
            { noisy, _ in try noisy * weight }, levels: Self.levels(2),
            context: context(.clean, shape: Self.shape))
        #expect(!found.requiresGrad)
    }
}
