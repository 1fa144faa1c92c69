import Foundation
import PythonReference
import Tensors
import Testing

@testable import Training

struct CriticTests {
    private static let side = 32

    private func pictures(_ number: Int) throws -> Tensor {
        try Tensor.stacked(
            (0..<2).map {
                try RenderedPictures.picture(number + $0, side: Self.side).tensor()
                    .reshaped([3, Self.side, Self.side])
            })
    }

    /// Numbers in place of what a classifier sees, of the right shapes.
    private func features(_ seed: UInt64) throws -> [Tensor] {
        try zip(EfficientNetLite.widths, [2, 2, 4, 8, 16]).map { width, reduction in
            let side = Self.side / reduction
            let planes = try NoiseField(seed: seed).tensor(
                step: reduction, channels: 2 * width, height: side, width: side)
            return try planes.reshaped([2, width, side, side])
        }
    }

    @Test(.enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"))
    func lossesAndGradientsEqualPyTorchs() throws {
        let critic = try Critic(seed: 3, device: .cpu)
        let (a, b) = (try pictures(1), try pictures(5))
        let (made, real) = (try features(1), try features(2))
        let weights = try Tensor([1, 0.25])
        var given: [(String, Tensor)] = [("a", a), ("b", b), ("weights", weights)]
        for index in made.indices { given += [("a.\(index)", made[index]), ("b.\(index)", real[index])] }
        given += try critic.parameters.map { ($0.name, try $0.value.detach().contiguous()) }
        let file = try PythonReference.results(of: "TrainingTests/Fixtures/critic.py", given)

        try a.setRequiresGrad(true)
        let losses = try critic.losses(output: (a, made), reference: (b, real), weights: weights)
        try (losses.network + losses.critic).backward()
        for (name, loss) in [("network", losses.network), ("critic", losses.critic)] {
            let wanted = try file.tensor(name, shape: [1]).item()
            #expect(wanted > 0.1)
            #expect(try abs(loss.item() - wanted) < 1e-5 * wanted, "\(name)")
        }
        // Each loss has its gradient where PyTorch has it with the other loss left out.
        let first = try #require(critic.parameters.first { $0.name == "0.0.weight" }).value
        for (name, found) in [("gradient", a.grad), ("weight", first.grad)] {
            let (found, wanted) = (try #require(found), try #require(try file.tensor(name)))
            let largest = try wanted.magnitude().max().item()
            #expect(largest > 0)
            #expect(try (found - wanted).magnitude().max().item() < 1e-4 * largest, "\(name)")
        }
    }

    @Test func itLearnsWhichPictureIsTheOriginal() throws {
        let critic = try Critic(seed: 3, device: .cpu)
        let optimizer = try AdamW(critic.parameters, options: .init(beta1: 0, beta2: 0.99))
        let rate = try Tensor.full([], 1e-3)
        // What a classifier sees is the same in both: only the detail tells.
        let features = try self.features(1)
        func losses(_ number: Int) throws -> Critic.Losses {
            let picture = try pictures(number)
            let coarse = try picture.averagePooled(2).upsampledNearest(2)
            return try critic.losses(output: (coarse, features), reference: (picture, features))
        }
        func gap(_ number: Int) throws -> Double {
            try noGrad { try losses(number).network.item() - losses(number).critic.item() }
        }
        let before = try gap(20)
        for step in 0..<30 {
            optimizer.clearGradients()
            try losses(step % 10).critic.backward()
            try optimizer.step(learningRate: rate)
        }
        // Of pictures it has not seen, where heads that see no difference hold the loss at log 2.
        #expect(try gap(20) > before + 0.5)
        #expect(try noGrad { try losses(20).critic.item() } < 0.95 * log(2))
    }

    @Test func aCriticNeedsCropsThatItCanMakeSmall() throws {
        let text = recipeText(["patchSize": "50", "baseWidth": "16"]).replacing(
            "objective:\n",
            with: """
                objective:
                  perceptual:
                    network: efficientnet-lite0
                    weight: 3
                    adversarial: { weight: 0.01, learningRate: 1.0e-3 }

                """)
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(error.reason.hasSuffix("must be a multiple of 4 with objective.perceptual.adversarial"))
    }
}
