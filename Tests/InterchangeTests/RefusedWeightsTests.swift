import Diffusion
import Foundation
import PythonReference
import Tensors
import Testing

@testable import Interchange

/// Files that are not what they should be: one sentence each, naming the file and the tensor.
@Suite(
    "Published weights: refusals", .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"))
struct RefusedWeightsTests {
    private let folder: InterchangeFolder

    init() throws { folder = try InterchangeFolder() }

    /// The tensors of a published network, which are made once.
    private struct Made {
        let names: [String]
        let tensors: [String: Tensor]

        init(_ network: PublishedNetwork) throws {
            let folder = try InterchangeFolder()
            let picture = try randomTensor([1, 3, 32, 32], seed: 1)
            _ = try network.prediction(
                in: folder,
                [
                    ("noisy", picture), ("condition", picture), ("gamma", try Tensor([0.5])),
                    ("timestep", try Tensor([5])),
                ])
            let file = try openTensorFile(folder.file(network.weights.name))
            names = file.names
            tensors = try names.reduce(into: [:]) { $0[$1] = try file.tensor($1) }
        }
    }

    private static let face = Result { try Made(.face) }
    private static let plain = Result { try Made(.plain) }

    private typealias Tensors = [String: Tensor]

    /// Writes a changed copy and gives back why it is refused.
    private func reason(
        _ made: Result<Made, any Error>, config: String? = "{\(PublishedNetwork.plain.settings)}",
        _ options: PublishedWeights.Options = .init(), _ change: (inout Tensors) throws -> Void = { _ in }
    ) throws -> String {
        var tensors = try made.get().tensors
        try change(&tensors)
        let path = folder.file("weights.safetensors")
        try SafetensorsWriter.write(tensors.map { (name: $0.key, value: $0.value) }, to: path)
        if let config { try Data(config.utf8).write(to: URL(fileURLWithPath: folder.file("config.json"))) }
        let error = try #require(throws: TensorFileError.self) {
            try PublishedWeights(path: path, options: options)
        }
        #expect(error.message.hasPrefix("Cannot read '\(folder.path)/"), "\(error)")
        #expect(error.message.hasSuffix("."), "\(error)")
        #expect(!error.message.contains("\n"), "\(error)")
        return error.message
    }

    private var faceOptions: PublishedWeights.Options {
        var options = PublishedWeights.Options()
        options.groups = 4
        return options
    }

    @Test func soundFilesAreTaken() throws {
        for (made, options) in [(Self.face, faceOptions), (Self.plain, .init())] {
            let tensors = try made.get().tensors
            let path = folder.file("weights.safetensors")
            try SafetensorsWriter.write(tensors.map { (name: $0.key, value: $0.value) }, to: path)
            try Data("{\(PublishedNetwork.plain.settings)}".utf8).write(
                to: URL(fileURLWithPath: folder.file("config.json")))
            #expect(throws: Never.self) { try PublishedWeights(path: path, options: options) }
        }
    }

    /// Each tensor of a network is needed; a file without it says so, or that its neighbours are left over.
    @Test func everyTensorOfTheOpenSR3NetworkIsNeeded() throws {
        let names = try Self.face.get().names.filter { $0.hasPrefix("denoise_fn.") }
        // 2 convolutions and norms at the ends, 2 linear layers, 10 + 2 + 15 blocks, attention, size changes.
        #expect(names.count == 362)
        // Some of every kind: they repeat.
        for name in names.indices.filter({ $0 % 17 == 0 }).map({ names[$0] }) {
            let reason = try reason(Self.face, faceOptions) { $0[name] = nil }
            let isMarker = name == "denoise_fn.downs.0.weight"
            #expect(
                reason.contains(isMarker ? "neither the open SR3" : "it has no tensor '\(name)'"), "\(reason)"
            )
        }
    }

    @Test func everyTensorOfDiffusersNetworkIsNeeded() throws {
        let names = try Self.plain.get().names
        #expect(names.count == 268)
        for name in names.indices.filter({ $0 % 13 == 0 }).map({ names[$0] }) where name != "conv_in.weight" {
            let reason = try reason(Self.plain) { $0[name] = nil }
            #expect(reason.contains("it has no tensor '\(name)'"), "\(reason)")
        }
    }

    @Test func tensorsOfOtherShapesAreNamed() throws {
        for name in ["denoise_fn.mid.0.res_block.block1.block.3.bias", "denoise_fn.ups.3.conv.weight"] {
            let reason = try reason(Self.face, faceOptions) { $0[name] = try Tensor([1, 2, 3]) }
            #expect(
                reason.contains("its tensor '\(name)' is float32 of shape [3], not real of ["), "\(reason)")
        }
        let reason = try reason(Self.plain) {
            $0["mid_block.attentions.0.to_k.weight"] = try Tensor.zeros([32, 32, 1])
        }
        #expect(
            reason.contains("'mid_block.attentions.0.to_k.weight' is float32 of shape [32, 32, 1]"),
            "\(reason)")
    }

    @Test func tensorsWithoutAPlaceAreNamed() throws {
        for (made, name) in [(Self.face, "denoise_fn.downs.1.attn.norm.weight"), (Self.face, "ema.decay")] {
            let reason = try reason(made, faceOptions) { $0[name] = try Tensor([1]) }
            #expect(
                reason.contains("'\(name)'") || reason.contains("not alike within each level"), "\(reason)")
        }
        let reason = try reason(Self.plain) { $0["class_embedding.weight"] = try Tensor([1]) }
        #expect(
            reason.contains("it has a tensor 'class_embedding.weight' that has no place here"), "\(reason)")
    }

    @Test func weightsMustBeFiniteRealNumbers() throws {
        let name = "denoise_fn.final_conv.block.3.bias"
        #expect(
            try reason(Self.face, faceOptions) { $0[name] = try Tensor([0, .nan, 0]) }
                .contains("its tensor '\(name)' contains NaN or infinity"))
        #expect(
            try reason(Self.face, faceOptions) { $0[name] = try Tensor(indices: [1, 2, 3]) }
                .contains("its tensor '\(name)' is int64"))
    }

    @Test func groupsMustDivideTheChannels() throws {
        let reason = try reason(Self.face)
        #expect(reason.contains("groups must divide the channels of every block"), "\(reason)")
        var options = PublishedWeights.Options()
        options.groups = 8
        #expect(try self.reason(Self.plain, options).contains("whose groups config.json says"))
    }

    @Test func networksOfOtherChannelsAreRefused() throws {
        let reason = try reason(Self.face, faceOptions) {
            $0["denoise_fn.downs.0.weight"] = try Tensor.zeros([8, 3, 3, 3])
        }
        #expect(reason.contains("a condition of 3 channels"), "\(reason)")
    }

    @Test func severalNetworksMustBeChosenFrom() throws {
        func add(_ tensors: inout Tensors) {
            for (name, value) in tensors where name.hasPrefix("denoise_fn.") {
                tensors["ema." + name] = value
            }
        }
        #expect(
            try reason(Self.face, faceOptions, add)
                .contains("--prefix chooses one of 'denoise_fn.', 'ema.denoise_fn.'"))
        var options = faceOptions
        options.prefix = "netG"
        #expect(try reason(Self.face, options, add).contains("it has no network below 'netG'"))
        options.prefix = "ema.denoise_fn"
        let path = folder.file("weights.safetensors")
        #expect(throws: Never.self) { try PublishedWeights(path: path, options: options) }
    }

    @Test func schedulesThatHaveNoNameMustBeSaid() throws {
        func bend(_ tensors: inout Tensors) throws { tensors["betas"] = try tensors["betas"]?.squared() }
        #expect(
            try reason(Self.face, faceOptions, bend).contains(
                "'betas' is not linear: say which with --schedule"))
        var options = faceOptions
        options.schedule = "cosine:100"
        let published = try PublishedWeights(path: folder.file("weights.safetensors"), options: options)
        #expect(published.configuration.schedule == "cosine:100")
        #expect(published.configuration.sampling.schedule == "cosine:100")
    }

    @Test func theConfigurationMustBeThere() throws {
        #expect(
            try reason(Self.plain, config: nil).contains(
                "its config.json is not beside it: --config names it"))
        var options = PublishedWeights.Options()
        options.configuration = folder.file("else.json")
        #expect(
            try reason(Self.plain, options).hasPrefix(
                "Cannot read '\(folder.path)/else.json': there is no such file"))
    }

    @Test(arguments: [
        (#""act_fn": "silu""#, #""act_fn": "gelu""#, "its 'act_fn' is gelu, and only silu is known here"),
        (
            #""resnet_time_scale_shift": "default""#, #""resnet_time_scale_shift": "scale_shift""#,
            "its 'resnet_time_scale_shift' is scale_shift, and only default is known here"
        ),
        (
            #""DownBlock2D", "AttnDownBlock2D""#, #""SkipDownBlock2D", "AttnDownBlock2D""#,
            "'down_block_types' names SkipDownBlock2D"
        ),
        (#""UpBlock2D", "AttnUpBlock2D""#, #""AttnUpBlock2D", "UpBlock2D""#, "attention at other sizes"),
        (#""layers_per_block": 2"#, #""layers_per_block": 200"#, "'layers_per_block' is not 1 to 16"),
        (
            #""layers_per_block": 2"#, #""layers_per_block": "two""#,
            "its 'layers_per_block' is not what UNet2DModel writes"
        ),
        (#"[16, 32, 32]"#, #"[16, 24, 32]"#, "'block_out_channels' are not multiples of the first"),
        (#"[16, 32, 32]"#, #"[16, 32]"#, "'down_block_types' and 'block_out_channels' differ in length"),
        (#"[16, 32, 32]"#, #"[16, 32, 64]"#, "has not the width that 'block_out_channels' says"),
        (#""num_class_embeds": null"#, #""num_class_embeds": 10"#, "its 'num_class_embeds' is set"),
        (#""UNet2DModel""#, #""UNet2DConditionModel""#, "its '_class_name' is UNet2DConditionModel"),
        (#""downsample_padding": 1"#, #""downsample_padding": 2"#, "'downsample_padding' is 2"),
        (#""in_channels": 6"#, #""in_channels": 4"#, "a condition of 3 channels"),
        (#""_class_name""#, #"_class_name"#, "it is not a JSON object"),
    ])
    func settingsThatAreNotKnownAreNamed(old: String, new: String, expected: String) throws {
        let config = "{\(PublishedNetwork.plain.settings)}"
        try #require(config.contains(old))
        let reason = try reason(Self.plain, config: config.replacingOccurrences(of: old, with: new))
        #expect(reason.contains(expected), "\(reason)")
    }

    @Test func strangersAreNamed() throws {
        let path = folder.file("other.safetensors")
        try SafetensorsWriter.write([("x", try Tensor([1]))], to: path)
        let error = try #require(throws: TensorFileError.self) {
            try PublishedWeights(path: path, options: .init())
        }
        #expect(error.message.contains("neither the open SR3 U-Net (no 'downs.0.weight') nor diffusers'"))
    }
}
