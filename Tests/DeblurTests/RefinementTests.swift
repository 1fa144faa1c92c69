import Diffusion
import ImageFiles
import ImageTensors
import Tensors
import Testing

@testable import Deblur

struct RefinementTests {
    /// What a perfect denoiser would say of the residual, put in the network's place by computing the
    /// sampler's steps with it: sign and scale of the residual decide whether the sharp picture
    /// comes back.
    @Test(
        arguments: [0.05, 0.1, 1.0], [Sampler.ddim(eta: 0), .ddim(eta: 1), .ddpm(variance: 1), .dpmSolver])
    func aPerfectDenoiserReturnsTheSharpPicture(scale: Double, sampler: Sampler) throws {
        let networks = try TestModels.random(TestModels.configuration(residualScale: scale), strength: 0.3)
            .networks
        let sharp = try TestModels.picture(height: 13, width: 9, seed: 1)
        let blurred = try TestModels.picture(height: 13, width: 9, seed: 2)
        let prediction = try noGrad { try networks.prediction(of: blurred) }
        #expect(try largestDifference(prediction, sharp) > 0.05, "there must be something to restore")
        let residual = try noGrad { try networks.residual(sharp: sharp, prediction: prediction) }
        let levels = try NoiseSchedule(parsing: "linear:1e-6:1e-2:2000").samplingLevels(5)
        let made = try networks.refined(
            prediction: prediction, sampling: .init(sampler: sampler, levels: levels),
            noise: { try NoiseField(seed: 3).tensor(step: $0, channels: 3, height: 13, width: 9) },
            denoiser: { noisy, gamma in
                // v of the true residual: √γ·ε − √(1−γ)·x₀ with ε from x_t.
                let signal = gamma.squareRoot()
                let sigma = (1 - gamma).squareRoot()
                let noise = try (noisy - signal * residual) / sigma
                return try signal * noise - sigma * residual
            })
        #expect(try largestDifference(made, sharp) < 1e-4)
    }

    @Test func residualAndPictureAreInverse() throws {
        let networks = try PredictAndRefine(TestModels.configuration(residualScale: 0.25))
        let sharp = try Tensor([0.5, -0.25], shape: [1, 1, 1, 2])
        let prediction = try Tensor([0.25, 0.5], shape: [1, 1, 1, 2])
        let residual = try networks.residual(sharp: sharp, prediction: prediction)
        #expect(try residual.floats() == [1, -3], "sharp minus prediction, never blurred minus prediction")
        #expect(try networks.picture(residual: residual, prediction: prediction).floats() == [0.5, -0.25])
    }

    /// What is limited is the picture, not the residual: a residual of 1.5 is right where the
    /// prediction is −0.9, and wrong where it is 0.9.
    @Test func theClampIsOnPredictionPlusResidual() throws {
        let networks = try PredictAndRefine(TestModels.configuration(residualScale: 0.5))
        let prediction = try Tensor([-0.9, 0.9, 0], shape: [1, 1, 1, 3]).expanded([1, 3, 1, 3])
        var seen: [Tensor] = []
        let made = try networks.refined(
            prediction: prediction,
            sampling: .init(sampler: .ddim(eta: 0), levels: [0.2, 0.5, 1]),
            noise: { _ in try Tensor.zeros([1, 3, 1, 3]) },
            denoiser: { noisy, gamma in
                seen.append(noisy)
                // Says x₀ = 3 everywhere: 1.5 in units of the picture.
                let clean = try Tensor.full([1, 3, 1, 3], 3)
                let noise = try (noisy - gamma.squareRoot() * clean) / (1 - gamma).squareRoot()
                return try gamma.squareRoot() * noise - (1 - gamma).squareRoot() * clean
            })
        let values = try made.narrowed(1, start: 0, count: 1).floats()
        #expect(abs(values[0] - 0.6) < 1e-5 && values[1] == 1 && values[2] == 1)
        // The second x follows from the limited x̂₀ and the ε̂ that belongs to it.
        let limited = [3.0, 0.2, 2.0]
        let second = try seen[1].narrowed(1, start: 0, count: 1).floats()
        for (value, clean) in zip(second, limited) {
            let noise = -0.2.squareRoot() * clean / 0.8.squareRoot()
            #expect(abs(Double(value) - (0.5.squareRoot() * clean + 0.5.squareRoot() * noise)) < 1e-5)
        }
    }

    @Test func anUntrainedModelReturnsItsInput() throws {
        let restorer = try DeblurRestorer(DeblurModel(TestModels.configuration()))
        let picture = try TestModels.picture(height: 10, width: 12)
        #expect(try largestDifference(restorer.predicted(picture), picture) == 0)
    }

    @Test func lessNoiseStaysCloserToThePrediction() throws {
        let model = try TestModels.random(strength: 0.2)
        let picture = try TestModels.picture(height: 24, width: 24)
        let schedule = try NoiseSchedule(parsing: "linear:1e-6:1e-2:2000")
        let prediction = try noGrad { try model.networks.prediction(of: picture) }
        let distances = try [0.1, 0.4, 0.7, 1].map { noise in
            let levels = try schedule.samplingLevels(4, maximumNoise: noise)
            #expect((1 - (levels.first ?? 0)).squareRoot() <= noise)
            let made = try model.networks.refined(
                prediction: prediction,
                sampling: .init(sampler: .ddim(eta: 0), levels: levels),
                noise: { try NoiseField(seed: 3).tensor(step: $0, channels: 3, height: 24, width: 24) },
                // A denoiser that finds no noise: what was put in comes out.
                denoiser: { noisy, gamma in try noisy * -(1 - gamma).squareRoot() })
            return try relativeDifference(made, prediction)
        }
        #expect(zip(distances, distances.dropFirst()).allSatisfy { $0 < $1 }, "\(distances)")
    }
}
