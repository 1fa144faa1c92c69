import Diffusion
import SR3
import Tensors
import Testing

@Suite("SR3: target and loss")
struct TargetTests {
    @Test(arguments: [SR3Configuration.Target.image, .residual(scale: 0.13), .residual(scale: 1)])
    func pictureOfTheTargetIsTheOriginal(target: SR3Configuration.Target) throws {
        let model = try SR3Model(TestModels.configuration(target: target))
        let hr = try noise([2, 3, 4, 5], seed: 1, std: 0.4).clamped(-1, 1)
        let condition = try noise([2, 3, 4, 5], seed: 2, std: 0.4).clamped(-1, 1)
        let diffused = try model.target(hr: hr, condition: condition)
        #expect(try distance(model.picture(target: diffused, condition: condition), hr) < 1e-6)
    }

    @Test func targetsAreThoseOfTheDefinition() throws {
        let (hr, condition) = try (Tensor([0.5, -1]), Tensor([0.24, 1]))
        let image = try SR3Model(TestModels.configuration(target: .image))
        #expect(try image.target(hr: hr, condition: condition).floats() == [0.5, -1])
        let residual = try SR3Model(TestModels.configuration(target: .residual(scale: 0.13)))
        let values = try residual.target(hr: hr, condition: condition).floats()
        #expect(abs(values[0] - 2) < 1e-5)
        #expect(abs(values[1] + 2 / 0.13) < 1e-5)
    }

    @Test func clampBoundHoldsTheLargestTarget() throws {
        #expect(try SR3Model(TestModels.configuration(target: .image)).clampBound == 1)
        #expect(try SR3Model(TestModels.configuration(target: .residual(scale: 0.5))).clampBound == 4)
        let model = try SR3Model(TestModels.configuration(target: .residual(scale: 0.25)))
        let most = try model.target(hr: Tensor([1]), condition: Tensor([-1])).item()
        #expect(most == model.clampBound)
    }

    /// x̂₀ is clamped while sampling: a network that predicts far too much gives white, not more.
    @Test func predictionsBeyondTheBoundAreClamped() throws {
        let configuration = TestModels.configuration(target: .image, parameterization: .clean)
        let model = try TestModels.copying(channelsFrom: 0, factor: 1000, configuration)
        var settings = try options(steps: 3)
        settings.consistency = false
        let output = try SR3Restorer(model).restored(
            noise([1, 3, 4, 4], seed: 5, std: 0.1), height: 16, width: 16, options: settings)
        #expect(try output.max().item() == 1)
        #expect(try output.min().item() == -1)
    }

    @Test(arguments: [
        Objective(loss: .l1, parameterization: .velocity), Objective(loss: .l2, parameterization: .velocity),
        Objective(loss: .l2, parameterization: .noise), Objective(loss: .l1, parameterization: .clean),
        Objective(loss: .l1, parameterization: .velocity, weighting: .minSNR(limit: 5)),
    ])
    func lossOfABatchIsTheMeanOverItsSamples(objective: Objective) throws {
        let model = try TestModels.random(
            TestModels.configuration(parameterization: objective.parameterization))
        let shape = [3, 3, 8, 8]
        let hr = try noise(shape, seed: 1, std: 0.3)
        let condition = try noise(shape, seed: 2, std: 0.3)
        let field = try noise(shape, seed: 3)
        let gammas = [0.02, 0.5, 0.98]
        func loss(_ gammas: [Double]) throws -> Double {
            try model.loss(
                objective, hr: hr, condition: condition, noise: field,
                levels: objective.levels(gammas, on: .cpu)
            ).item()
        }
        let single = try gammas.enumerated().map { index, gamma in
            func one(_ batch: Tensor) throws -> Tensor { try batch.narrowed(0, start: index, count: 1) }
            return try model.loss(
                objective, hr: one(hr), condition: one(condition), noise: one(field),
                levels: objective.levels([gamma], on: .cpu)
            ).item()
        }
        let mean = single.reduce(0, +) / 3
        #expect(try abs(loss(gammas) - mean) < 1e-4 * mean)
        // The same levels given to the wrong samples are another loss.
        #expect(try abs(loss([0.98, 0.02, 0.5]) - mean) > 1e-3 * mean)
    }

    @Test func lossReachesEveryWeight() throws {
        let model = try TestModels.random()
        let hr = try noise([2, 3, 8, 8], seed: 1, std: 0.3)
        let objective = Objective(loss: .l2, parameterization: .velocity)
        let loss = try model.loss(
            objective, hr: hr, condition: hr * 0.5, noise: noise([2, 3, 8, 8], seed: 2),
            levels: objective.levels([0.3, 0.7], on: .cpu))
        try loss.backward()
        for (name, parameter) in model.network.parameters {
            let gradient = try parameter.grad?.magnitude().max().item()
            #expect((gradient ?? 0) > 0, "\(name) gets no gradient")
        }
    }
}
