import Diffusion
import Foundation
import PythonReference
import SR3
import Tensors
import Testing

@testable import Interchange

/// Published layouts against PyTorch, on random weights of those very layouts.
@Suite("Published weights: parity")
struct PublishedWeightsTests {
    private let folder: InterchangeFolder

    init() throws { folder = try InterchangeFolder() }

    private static let openSR3: [(PublishedNetwork, groups: Int)] = [
        (.face, 4),
        (
            .openSR3(
                "open SR3, no attention but in the middle, affine",
                #""base": 16, "multipliers": [2, 3], "blocks": 1, "attention": [], "groups": 8, "affine": true"#
            ),
            8
        ),
        (
            .openSR3(
                "open SR3, a single group, attention everywhere",
                #""base": 4, "multipliers": [1, 1], "blocks": 3, "attention": [0, 1], "groups": 1, "affine": false"#
            ),
            1
        ),
    ]

    @Test(
        .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"), arguments: openSR3)
    func theOpenSR3NetworkEqualsPyTorch(_ network: PublishedNetwork, groups: Int) throws {
        let (noisy, condition) = try pictures()
        let gamma = try Tensor([4.4e-5, 0.83])
        let wanted = try network.prediction(
            in: folder, [("noisy", noisy), ("condition", condition), ("gamma", gamma)])
        var options = PublishedWeights.Options()
        options.groups = groups
        let published = try PublishedWeights(path: folder.file(network.weights.name), options: options)
        #expect(published.configuration.scale == 8)
        #expect(published.configuration.target == .image)
        #expect(published.configuration.parameterization == .noise)
        #expect(published.configuration.schedule == "linear:1e-06:0.01:2000")
        try check(published, noisy, condition, gamma, wanted, network.testDescription)
    }

    private static let diffusers: [PublishedNetwork] = [
        .plain,
        .diffusers(
            "diffusers, as the first DDPM models: zeros at the ends, sine first, a single head",
            """
            "in_channels": 6, "out_channels": 3, "block_out_channels": [8, 8, 16],
            "down_block_types": ["AttnDownBlock2D", "DownBlock2D", "AttnDownBlock2D"],
            "up_block_types": ["AttnUpBlock2D", "UpBlock2D", "AttnUpBlock2D"], "layers_per_block": 1,
            "norm_num_groups": 4, "norm_eps": 1e-06, "attention_head_dim": null, "downsample_padding": 0,
            "freq_shift": 1, "flip_sin_to_cos": false, "mid_block_scale_factor": 1
            """),
    ]

    @Test(
        .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"), arguments: diffusers,
        ["linear:1e-4:0.02:1000", "cosine:1000"])
    func diffusersNetworkEqualsPyTorch(_ network: PublishedNetwork, schedule: String) throws {
        let (noisy, condition) = try pictures()
        let steps = [3, 741]
        let wanted = try network.prediction(
            in: folder,
            [
                ("noisy", noisy), ("condition", condition),
                ("timestep", try Tensor(steps.map(Float.init))),
            ])
        var options = PublishedWeights.Options()
        options.schedule = schedule
        let published = try PublishedWeights(path: folder.file(network.weights.name), options: options)
        #expect(published.configuration.scale == 4)
        // Step t of diffusers, counted from 0, has the level ᾱ_(t+1).
        let levels = try NoiseSchedule(parsing: schedule).signalLevels
        let gamma = try Tensor(steps.map { Float(levels[$0 + 1]) })
        try check(published, noisy, condition, gamma, wanted, "\(network.testDescription), \(schedule)")
    }

    /// The noisy picture and the condition, of a size that needs no padding.
    private func pictures() throws -> (noisy: Tensor, condition: Tensor) {
        (try randomTensor([2, 3, 32, 48], seed: 1), try randomTensor([2, 3, 32, 48], seed: 2))
    }

    /// The prediction, also of the network that comes back from a file.
    private func check(
        _ published: PublishedWeights, _ noisy: Tensor, _ condition: Tensor, _ gamma: Tensor,
        _ wanted: Tensor,
        _ title: String
    ) throws {
        #expect(try wanted.squared().mean().item() > 0.01, "weights that are 0 would prove nothing")
        let prediction = try noGrad { try published.network(noisy, condition: condition, signalLevel: gamma) }
        let difference = try relativeDifference(prediction, wanted)
        #expect(difference < 1e-4)
        try published.save(metadata: ["licence": "none"], to: folder.file("ours.safetensors"))
        let model = try SR3Model.load(folder.file("ours.safetensors"))
        #expect(model.configuration == published.configuration)
        let again = try noGrad {
            try model.prediction(noisy: noisy, condition: condition, signalLevel: gamma)
        }
        #expect(try again.bytes() == prediction.bytes())
        try model.network.prepareForInference()
        let prepared = try noGrad {
            try model.prediction(noisy: noisy, condition: condition, signalLevel: gamma)
        }
        let inference = try relativeDifference(prepared, wanted)
        #expect(inference < 1e-4)
        print("\(title): \(difference) from PyTorch, prepared \(inference)")
    }
}
