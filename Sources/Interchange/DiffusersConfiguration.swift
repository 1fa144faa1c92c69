import Diffusion
import Foundation
import Tensors

/// The config.json of diffusers' `UNet2DModel`, as far as it tells the shape of a network of ours.
struct DiffusersConfiguration: Decodable {
    let inChannels: Int
    let outChannels: Int
    let downBlocks: [String]
    let upBlocks: [String]
    let widths: [Int]
    let blocks: Int
    let groups: Int
    let epsilon: Double
    let dropout: Double
    /// Channels of a head of attention; nil for a single head.
    let headWidth: Int?
    let hasMiddleAttention: Bool
    let downsamplePadding: Int
    let frequencyShift: Double
    let flipSinToCos: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case className = "_class_name"
        case inChannels = "in_channels"
        case outChannels = "out_channels"
        case downBlocks = "down_block_types"
        case upBlocks = "up_block_types"
        case widths = "block_out_channels"
        case blocks = "layers_per_block"
        case groups = "norm_num_groups"
        case attentionGroups = "attn_norm_num_groups"
        case epsilon = "norm_eps"
        case dropout
        case headWidth = "attention_head_dim"
        case hasMiddleAttention = "add_attention"
        case downsamplePadding = "downsample_padding"
        case frequencyShift = "freq_shift"
        case flipSinToCos = "flip_sin_to_cos"
        case centersInput = "center_input_sample"
        case timeEmbedding = "time_embedding_type"
        case middleBlock = "mid_block_type"
        case middleScale = "mid_block_scale_factor"
        case downsampleType = "downsample_type"
        case upsampleType = "upsample_type"
        case activation = "act_fn"
        case timeScaleShift = "resnet_time_scale_shift"
        case classEmbedding = "class_embed_type"
        case classes = "num_class_embeds"
    }

    /// - Throws: ``TensorFileError`` naming the file and the setting that cannot be taken over.
    init(contentsOf path: String) throws {
        func refuse(_ reason: String) -> TensorFileError {
            TensorFileError(unsupported: path, reason: reason)
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw refuse("there is no such file, or it must not be read")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch let error as NetworkError {
            throw refuse(error.description)
        } catch {
            let key = (error as? DecodingError).flatMap(Self.key)
            throw refuse(
                key.map { "its '\($0)' is not what UNet2DModel writes" } ?? "it is not a JSON object")
        }
    }

    /// The setting at which decoding failed.
    private static func key(_ error: DecodingError) -> String? {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context.codingPath.first?.stringValue
        @unknown default: nil
        }
    }

    /// Missing settings take diffusers' defaults.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ value: Value) throws -> Value {
            try values.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        /// What this program's network cannot do is told by name.
        func require<Value: Decodable & Equatable>(_ key: CodingKeys, _ known: Value...) throws {
            guard let value = try values.decodeIfPresent(Value.self, forKey: key), !known.contains(value)
            else {
                return
            }
            throw NetworkError("its '\(key.rawValue)' is \(value), and only \(known[0]) is known here")
        }
        try require(.className, "UNet2DModel")
        try require(.timeEmbedding, "positional")
        try require(.middleBlock, "UNetMidBlock2D")
        try require(.middleScale, 1.0)
        try require(.downsampleType, "conv")
        try require(.upsampleType, "conv")
        try require(.activation, "silu", "swish")
        try require(.timeScaleShift, "default")
        try require(.centersInput, false)
        for key in [CodingKeys.classEmbedding, .classes]
        where try values.contains(key) && !values.decodeNil(forKey: key) {
            throw NetworkError("its '\(key.rawValue)' is set, and networks of classes are not known here")
        }
        inChannels = try read(.inChannels, 3)
        outChannels = try read(.outChannels, 3)
        downBlocks = try read(.downBlocks, ["DownBlock2D"] + Array(repeating: "AttnDownBlock2D", count: 3))
        upBlocks = try read(.upBlocks, Array(repeating: "AttnUpBlock2D", count: 3) + ["UpBlock2D"])
        widths = try read(.widths, [224, 448, 672, 896])
        blocks = try read(.blocks, 2)
        groups = try read(.groups, 32)
        try require(.attentionGroups, groups)
        epsilon = try read(.epsilon, 1e-5)
        dropout = try read(.dropout, 0)
        headWidth =
            values.contains(.headWidth) ? try values.decodeIfPresent(Int.self, forKey: .headWidth) : 8
        hasMiddleAttention = try read(.hasMiddleAttention, true)
        downsamplePadding = try read(.downsamplePadding, 1)
        frequencyShift = try read(.frequencyShift, 0)
        flipSinToCos = try read(.flipSinToCos, true)
        try validate()
    }

    private func validate() throws {
        for (key, channels) in [(CodingKeys.inChannels, inChannels), (.outChannels, outChannels)] {
            guard (1...128).contains(channels) else {
                throw NetworkError("its '\(key.rawValue)' is not 1 to 128")
            }
        }
        for (key, types, known) in [
            (CodingKeys.downBlocks, downBlocks, ["DownBlock2D", "AttnDownBlock2D"]),
            (.upBlocks, upBlocks, ["UpBlock2D", "AttnUpBlock2D"]),
        ] {
            guard types.count == widths.count else {
                throw NetworkError("its '\(key.rawValue)' and 'block_out_channels' differ in length")
            }
            if let strange = types.first(where: { !known.contains($0) }) {
                throw NetworkError(
                    "its '\(key.rawValue)' names \(strange), and only \(known.joined(separator: " and ")) are known here"
                )
            }
        }
        guard downBlocks.map(Self.attends) == upBlocks.reversed().map(Self.attends) else {
            throw NetworkError("its 'up_block_types' have attention at other sizes than 'down_block_types'")
        }
        guard let base = widths.first, base > 0, widths.allSatisfy({ $0 > 0 && $0 % base == 0 }) else {
            throw NetworkError("its 'block_out_channels' are not multiples of the first")
        }
        guard (0...1).contains(downsamplePadding) else {
            throw NetworkError(
                "its 'downsample_padding' is \(downsamplePadding), and only 0 and 1 are known here")
        }
        guard (1...16).contains(blocks) else { throw NetworkError("its 'layers_per_block' is not 1 to 16") }
    }

    private static func attends(_ type: String) -> Bool { type.hasPrefix("Attn") }

    /// The network it describes.
    ///
    /// - Parameter schedule: the one it was trained with.
    func network(schedule: String) -> UNetConfiguration {
        let base = widths[0]
        return UNetConfiguration(
            imageChannels: outChannels, conditionChannels: inChannels - outChannels, baseWidth: base,
            multipliers: widths.map { $0 / base }, blocks: blocks,
            attentionLevels: downBlocks.indices.filter { Self.attends(downBlocks[$0]) }, dropout: dropout,
            norm: .group, levelConditioning: .bias, patchSize: 1, skipConnections: .concatenated,
            resampling: downsamplePadding == 0 ? .stridedAtEnd : .strided,
            middleAttention: hasMiddleAttention ? .once : .none, headWidth: headWidth ?? 0, groups: groups,
            normEpsilon: epsilon, levelEncoding: .timestep(schedule: schedule, frequencyShift: frequencyShift)
        )
    }
}
