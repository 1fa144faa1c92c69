import Foundation
import PythonReference
import Tensors
import Testing

/// A published layout with random weights, made and run in PyTorch (Fixtures).
struct PublishedNetwork: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The fixture's script.
    let script: String
    /// The fixture's settings: JSON without the braces.
    let settings: String
    /// What the weights' file is called, and the setting that says so.
    let weights: (setting: String, name: String)

    static func openSR3(_ title: String, _ settings: String) -> PublishedNetwork {
        PublishedNetwork(
            testDescription: title, script: "open_sr3.py", settings: settings,
            weights: ("checkpoint", "I640000_E37_gen.pth"))
    }

    static func diffusers(_ title: String, _ settings: String) -> PublishedNetwork {
        PublishedNetwork(
            testDescription: title, script: "diffusers_unet.py", settings: settings,
            weights: ("weights", "diffusion_pytorch_model.safetensors"))
    }

    /// The levels of the published 16 → 128 network: 5, with attention at an eighth of the size and in
    /// the middle.
    static let face = openSR3(
        "open SR3, five levels",
        #""base": 8, "multipliers": [1, 2, 4, 8, 8], "blocks": 2, "attention": [3], "groups": 4, "affine": false"#
    )

    static let plain = diffusers(
        "diffusers, three levels",
        """
        "_class_name": "UNet2DModel", "in_channels": 6, "out_channels": 3, "block_out_channels": [16, 32, 32],
        "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "AttnUpBlock2D", "UpBlock2D"], "layers_per_block": 2,
        "norm_num_groups": 8, "norm_eps": 1e-05, "attention_head_dim": 8, "downsample_padding": 1,
        "freq_shift": 0, "flip_sin_to_cos": true, "resnet_time_scale_shift": "default", "act_fn": "silu",
        "num_class_embeds": null, "class_embed_type": null, "sample_size": 64, "_diffusers_version": "0.35.2"
        """)

    /// Writes the weights (and config.json) into a folder and returns the prediction.
    func prediction(in folder: InterchangeFolder, _ tensors: [(name: String, value: Tensor)]) throws -> Tensor
    {
        let path = folder.file(weights.name)
        try Data("{\(settings)}".utf8).write(to: URL(fileURLWithPath: folder.file("config.json")))
        let results = try PythonReference.results(
            of: "InterchangeTests/Fixtures/\(script)", tensors,
            trailing: [#"{\#(settings), "\#(weights.setting)": "\#(path)"}"#])
        guard let prediction = try results.tensor("prediction") else {
            throw PythonReference.Failure(description: "there is no prediction")
        }
        return prediction
    }
}

/// N(0, 1) of a shape, the same everywhere.
func randomTensor(_ shape: [Int], seed: UInt64) throws -> Tensor {
    try NoiseField(seed: seed).tensor(step: 0, channels: 1, height: 1, width: shape.reduce(1, *)).reshaped(
        shape)
}

/// ‖a − b‖ / ‖b‖; infinite for other shapes or where a value is not finite.
func relativeDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
    guard a.shape == b.shape, try a.isFinite(), try b.isFinite() else { return .infinity }
    let (a, b) = try (a.to(.float64), b.to(.float64))
    return try ((a - b).squared().sum().item() / b.squared().sum().item()).squareRoot()
}
