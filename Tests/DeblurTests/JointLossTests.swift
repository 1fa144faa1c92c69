import Diffusion
import Foundation
import PythonReference
import Tensors
import Testing

@testable import Deblur

/// The joint loss and all its gradients against PyTorch (Fixtures/joint_loss.py).
struct JointLossTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var loss = LossKind.l1
        var parameterization = Parameterization.velocity
        var conditionsOnPrediction = true
        var options = PredictAndRefine.LossOptions()

        var testDescription: String {
            "\(loss) \(parameterization) condition \(conditionsOnPrediction) detach \(options.detachesPrediction) reconstruction \(options.reconstructionWeight)"
        }
    }

    static let cases = [
        // The paper's: the diffusion loss alone, and its gradient reaches the predictor.
        Case(parameterization: .noise, conditionsOnPrediction: false),
        // The shipped model's.
        Case(options: .init(reconstructionWeight: 1)),
        Case(
            loss: .l2, parameterization: .clean,
            options: .init(detachesPrediction: true, reconstructionWeight: 0.5)),
        Case(loss: .l2, options: .init(detachesPrediction: true)),
    ]

    private static let sharp = Result { try batch(seed: 1) }
    private static let blurred = Result { try batch(seed: 2) }

    private static func batch(seed: UInt64) throws -> Tensor {
        try Tensor.concatenated(
            (0..<2).map { try TestModels.picture(height: 11, width: 14, seed: seed * 10 + $0) }, dim: 0)
    }

    private func loss(_ one: Case, _ networks: PredictAndRefine, noise: Tensor, gammas: [Double]) throws
        -> Tensor
    {
        let objective = Objective(loss: one.loss, parameterization: one.parameterization)
        return try networks.loss(
            objective, sharp: Self.sharp.get(), blurred: Self.blurred.get(), noise: noise,
            levels: objective.levels(gammas, on: .cpu), options: one.options)
    }

    @Test(
        .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"),
        arguments: cases)
    func lossAndGradientsEqualPyTorch(_ one: Case) throws {
        let configuration = TestModels.configuration(
            conditionsOnPrediction: one.conditionsOnPrediction, parameterization: one.parameterization)
        let networks = try TestModels.random(configuration, strength: 0.7).networks
        let noise = try NoiseField(seed: 4).tensor(step: 0, channels: 6, height: 11, width: 14)
            .reshaped([2, 3, 11, 14])
        let gammas = [0.9, 0.2]
        let value = try loss(one, networks, noise: noise, gammas: gammas)
        try value.backward()

        let given =
            networks.parameters.map { (name: "w.\($0.name)", value: $0.value) }
            + [
                (name: "sharp", value: try Self.sharp.get()),
                (name: "blurred", value: try Self.blurred.get()),
                (name: "noise", value: noise), (name: "gamma", value: try Tensor(gammas.map(Float.init))),
            ]
        let expected = try Self.reference(given, configuration, one)
        let wanted = try #require(try expected.tensor("loss")).item()
        #expect(abs(try value.item() - wanted) < 1e-4 * wanted)
        #expect(
            try relativeDifference(
                networks.prediction(of: Self.blurred.get()), #require(try expected.tensor("prediction")))
                < 1e-4)
        var worst = 0.0
        for (name, parameter) in networks.parameters {
            guard let reference = try expected.tensor("g.\(name)") else {
                // Nothing of the loss reaches it.
                #expect(
                    try parameter.grad.map { try $0.magnitude().max().item() } ?? 0 == 0, "\(name)")
                #expect(name.hasPrefix("predictor.") && one.options.detachesPrediction, "\(name)")
                continue
            }
            let difference = try relativeDifference(#require(parameter.grad, "\(name)"), reference)
            worst = max(worst, difference)
            #expect(difference < 2e-3, "\(name)")
        }
        print("\(one.testDescription): loss \(wanted), worst gradient \(worst)")
    }

    /// The residual of the diffusion loss is sharp − prediction: with the sharp picture changed,
    /// the loss must change.
    @Test func theLossLooksAtTheSharpPicture() throws {
        let networks = try TestModels.random().networks
        let (sharp, blurred) = try (Self.sharp.get(), Self.blurred.get())
        let noise = try NoiseField(seed: 4).tensor(step: 0, channels: 6, height: 11, width: 14)
            .reshaped([2, 3, 11, 14])
        func loss(_ sharp: Tensor) throws -> Double {
            let objective = Objective(loss: .l2, parameterization: .velocity)
            return try networks.loss(
                objective, sharp: sharp, blurred: blurred, noise: noise,
                levels: objective.levels([0.5, 0.5], on: .cpu), options: .init()
            ).item()
        }
        #expect(abs(try loss(sharp) - loss(sharp.flipped([3]))) > 1e-3)
    }

    @Test func gradientsReachThePredictorUnlessDetached() throws {
        for detaches in [false, true] {
            let networks = try TestModels.random().networks
            let one = Case(options: .init(detachesPrediction: detaches))
            let noise = try NoiseField(seed: 4).tensor(step: 0, channels: 6, height: 11, width: 14)
                .reshaped([2, 3, 11, 14])
            try loss(one, networks, noise: noise, gammas: [0.5, 0.6]).backward()
            let strength = try networks.predictor.parameters.reduce(0.0) { sum, parameter in
                try sum + (parameter.value.grad.map { try $0.squared().sum().item() } ?? 0)
            }
            #expect(detaches ? strength == 0 : strength > 1e-6, "\(strength)")
        }
    }

    /// A further loss is the denoiser's alone: the predictor learns as if there were none, on any way to it.
    @Test(arguments: [true, false]) func aFurtherLossDoesNotReachThePredictor(conditionsOnPrediction: Bool)
        throws
    {
        let noise = try NoiseField(seed: 4).tensor(step: 0, channels: 6, height: 11, width: 14)
            .reshaped([2, 3, 11, 14])
        func gradients(detaches: Bool, weight: Double?) throws -> [String: [Float]] {
            let networks = try TestModels.random(
                TestModels.configuration(conditionsOnPrediction: conditionsOnPrediction)
            ).networks
            let objective = Objective(loss: .l1, parameterization: .velocity)
            try networks.loss(
                objective, sharp: Self.sharp.get(), blurred: Self.blurred.get(), noise: noise,
                levels: objective.levels([0.4, 0.6], on: .cpu),
                options: .init(detachesPrediction: detaches, reconstructionWeight: 0.5),
                further: weight.map { weight in { try $0.squared().mean() * weight } }
            ).backward()
            return Dictionary(
                uniqueKeysWithValues: try networks.parameters.compactMap { name, value in
                    try value.grad.map { (name, try $0.contiguous().floats()) }
                })
        }
        let alone = try gradients(detaches: true, weight: nil)
        #expect(alone.keys.contains { $0.hasPrefix("predictor.") })
        for (detaches, weight) in [(true, 100.0), (false, 100)] {
            let found = try gradients(detaches: detaches, weight: weight)
            for (name, gradient) in alone where name.hasPrefix("predictor.") {
                #expect(found[name] == gradient, "\(name)")
            }
            #expect(alone.contains { $0.key.hasPrefix("denoiser.") && found[$0.key] != $0.value })
        }
    }

    @Test func aFurtherLossAloneLeavesThePredictorNothing() throws {
        let networks = try TestModels.random().networks
        let noise = try NoiseField(seed: 4).tensor(step: 0, channels: 6, height: 11, width: 14)
            .reshaped([2, 3, 11, 14])
        let objective = Objective(loss: .l1, parameterization: .velocity)
        #expect(throws: NetworkError.self) {
            try networks.loss(
                objective, sharp: Self.sharp.get(), blurred: Self.blurred.get(), noise: noise,
                levels: objective.levels([0.4, 0.6], on: .cpu), options: .init(), further: { try $0.mean() })
        }
    }

    private static func reference(
        _ tensors: [(name: String, value: Tensor)], _ configuration: DeblurConfiguration, _ one: Case
    ) throws -> SafetensorsFile {
        struct Settings: Encodable {
            let configuration: DeblurConfiguration
            let loss: LossKind
            let detach: Bool
            let reconstruction: Double
        }
        let settings = Settings(
            configuration: configuration, loss: one.loss, detach: one.options.detachesPrediction,
            reconstruction: one.options.reconstructionWeight)
        return try PythonReference.results(
            of: "DeblurTests/Fixtures/joint_loss.py", tensors,
            trailing: [String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)])
    }
}
