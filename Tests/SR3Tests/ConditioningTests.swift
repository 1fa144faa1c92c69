import Diffusion
import ImageFiles
import ImageTensors
import SR3
import Tensors
import Testing

@Suite("SR3: what the network is given")
struct ConditioningTests {
    @Test(arguments: [Sampler.ddim(eta: 0), .ddim(eta: 1), .ddpm(variance: 1), .dpmSolver])
    func untrainedResidualModelReturnsBicubic(sampler: Sampler) throws {
        // A network that starts at zero predicts a clean residual of zero at every step.
        let model = try SR3Model(TestModels.configuration(parameterization: .clean))
        let lr = try picture(width: 13, height: 9)
        var settings = try options(steps: 4, sampler: sampler)
        settings.consistency = false
        let output = try SR3Restorer(model).restored(lr, options: settings)
        #expect(distance(output, try lr.resized(width: 52, height: 36)) <= 1)
    }

    @Test func untrainedVelocityModelReturnsBicubicFromItsMean() throws {
        let model = try SR3Model(TestModels.configuration(parameterization: .velocity))
        let lr = try picture(width: 13, height: 9)
        var settings = try options(steps: 3)
        settings.consistency = false
        let bicubic = try lr.resized(width: 52, height: 36)
        let noisy = try SR3Restorer(model).restored(lr, options: settings)
        #expect(distance(noisy, bicubic) > 3)
        settings.temperature = 0
        let output = try SR3Restorer(model).restored(lr, options: settings)
        #expect(distance(output, bicubic) <= 1)
    }

    @Test func conditionIsTheBicubicPicture() throws {
        let configuration = TestModels.configuration(target: .image, parameterization: .clean)
        let model = try TestModels.copying(channelsFrom: 3, configuration)
        let lr = try picture(width: 11, height: 8, bitDepth: 16)
        var settings = try options()
        settings.consistency = false
        let output = try SR3Restorer(model).restored(lr, options: settings)
        // float32 carries 16 bits to within a few levels.
        #expect(distance(output, try lr.resized(width: 44, height: 32)) <= 4)
    }

    @Test func noisyPictureComesFirstAndConditionAfterIt() throws {
        let noisy = try noise([2, 3, 8, 12], seed: 1)
        let condition = try noise([2, 3, 8, 12], seed: 2)
        let levels = try Tensor([0.2, 0.9])
        let configuration = TestModels.configuration()
        let first = try TestModels.copying(channelsFrom: 0, configuration)
        #expect(
            try distance(first.prediction(noisy: noisy, condition: condition, signalLevel: levels), noisy)
                < 1e-5)
        let second = try TestModels.copying(channelsFrom: 3, configuration)
        #expect(
            try distance(
                second.prediction(noisy: noisy, condition: condition, signalLevel: levels), condition) < 1e-5)
    }

    /// Splitting every step of a schedule in two gives the same levels at other step numbers:
    /// a network that saw t would answer differently.
    @Test func networkSeesTheLevelAndNotTheStep() throws {
        let plain = try NoiseSchedule(parsing: "linear:1e-4:0.1:100")
        let split = try NoiseSchedule(
            betas: plain.betas.flatMap { [1 - (1 - $0).squareRoot(), 1 - (1 - $0).squareRoot()] })
        #expect(split.stepCount == 200)
        let restorer = try SR3Restorer(
            TestModels.random(TestModels.configuration(target: .residual(scale: 0.5))))
        let lr = try picture(width: 6, height: 6).tensor()
        func output(_ levels: [Double]) throws -> Tensor {
            var settings = try options()
            settings.levels = levels
            settings.consistency = false
            return try restorer.restored(lr, height: 24, width: 24, options: settings)
        }
        let reference = try output(plain.samplingLevels(5))
        #expect(try distance(output(split.samplingLevels(5)), reference) < 1e-4)
        #expect(try distance(output(plain.samplingLevels(4)), reference) > 1e-2)
    }

    /// One step by hand: x̂₀ = √γ·x − √(1−γ)·v̂ of the network's v̂ at that γ.
    @Test(arguments: [0.1, 0.6]) func networkIsGivenTheLevelOfTheStep(gamma: Double) throws {
        let model = try TestModels.random(TestModels.configuration(target: .residual(scale: 0.5)))
        let lr = try picture(width: 6, height: 5).tensor()
        let condition = try lr.resized(height: 20, width: 24)
        let start = try NoiseField(seed: 9).tensor(step: 0, channels: 3, height: 20, width: 24)
        let velocity = try noGrad {
            try model.prediction(noisy: start, condition: condition, signalLevel: Tensor([Float(gamma)]))
        }
        let clean = try (gamma.squareRoot() * start - (1 - gamma).squareRoot() * velocity).clamped(-4, 4)
        let settings = SR3Restorer.Options(
            scale: 4, sampler: .ddim(eta: 0), levels: [gamma, 1], seed: 9, consistency: false)
        let output = try SR3Restorer(model).restored(lr, height: 20, width: 24, options: settings)
        #expect(try distance(output, (condition + clean * 0.5).clamped(-1, 1)) < 1e-4)
    }

    @Test func levelChangesThePrediction() throws {
        let model = try TestModels.random()
        let noisy = try noise([1, 3, 8, 8], seed: 3)
        let predictions = try [0.05, 0.5, 0.95].map {
            try model.prediction(noisy: noisy, condition: noisy, signalLevel: Tensor([$0]))
        }
        #expect(try distance(predictions[0], predictions[1]) > 1e-2)
        #expect(try distance(predictions[1], predictions[2]) > 1e-2)
    }
}
