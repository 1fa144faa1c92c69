import Diffusion
import Tensors

/// `UNet2DModel` of diffusers (github.com/huggingface/diffusers), whose shape its config.json tells.
struct DiffusersLayout: PublishedLayout {
    static let marker = "conv_in.weight"

    let configuration: UNetConfiguration
    private let settings: DiffusersConfiguration
    private let isConditionFirst: Bool
    /// Files from before 2023 call the layers of attention differently.
    private let hasOldAttention: Bool

    /// - Parameter schedule: the one the network was trained with, whose steps it is given.
    /// - Throws: ``TensorFileError`` where the tensors are not of the widths that the settings say.
    init(
        _ state: PublishedState, _ settings: DiffusersConfiguration, schedule: String, isConditionFirst: Bool
    )
        throws
    {
        self.settings = settings
        self.isConditionFirst = isConditionFirst
        configuration = settings.network(schedule: schedule)
        hasOldAttention = state.contains(below: "mid_block.attentions.0.query.")
        // Before a network is made that may be far larger than the file.
        let blocks = settings.widths.indices.flatMap { level in (0..<settings.blocks).map { (level, $0) } }
        for (level, index) in blocks {
            let name = "down_blocks.\(level).resnets.\(index).conv1.weight"
            guard try state.extents(name).outputs == settings.widths[level] else {
                throw TensorFileError(
                    unsupported: state.path,
                    reason:
                        "its tensor '\(state.prefix + name)' has not the width that 'block_out_channels' says"
                )
            }
        }
    }

    let blockNames = [
        (ours: "norm1", theirs: "norm1"), (ours: "conv1", theirs: "conv1"),
        (ours: "level", theirs: "time_emb_proj"), (ours: "norm2", theirs: "norm2"),
        (ours: "conv2", theirs: "conv2"), (ours: "skip", theirs: "conv_shortcut"),
    ]

    let otherNames = [
        (ours: "input", theirs: "conv_in"), (ours: "embedding.first", theirs: "time_embedding.linear_1"),
        (ours: "embedding.second", theirs: "time_embedding.linear_2"),
        (ours: "output_norm", theirs: "conv_norm_out"), (ours: "output", theirs: "conv_out"),
    ]

    let neighbours: [String] = []

    func name(of part: NetworkPart) -> String { name(of: part, "resnets") }

    private func name(of part: NetworkPart, _ list: String) -> String {
        let last = configuration.multipliers.count - 1
        return switch part {
        case .down(let level, let index): "down_blocks.\(level).\(list).\(index)"
        case .shrink(let level): "down_blocks.\(level).downsamplers.0.conv"
        case .middle(let index): "mid_block.\(list).\(index)"
        case .up(let level, let index): "up_blocks.\(last - level).\(list).\(index)"
        case .grow(let level): "up_blocks.\(last - level - 1).upsamplers.0.conv"
        }
    }

    func transcribeAttention(after part: NetworkPart, _ transcript: NetworkTranscript) throws {
        let (theirs, ours) = (name(of: part, "attentions"), "\(part.name)_attention")
        try transcript.copy("\(theirs).group_norm", to: "\(ours).norm")
        let inputs = hasOldAttention ? ["query", "key", "value"] : ["to_q", "to_k", "to_v"]
        try transcript.copyLinear(inputs.map { "\(theirs).\($0)" }, to: "\(ours).qkv")
        try transcript.copyLinear(
            ["\(theirs).\(hasOldAttention ? "proj_attn" : "to_out.0")"], to: "\(ours).output")
    }

    func finish(_ transcript: NetworkTranscript) throws {
        if settings.flipSinToCos { try transcript.exchangeInputHalves(of: "embedding.first") }
        if isConditionFirst { try transcript.exchangeInputHalves(of: "input") }
    }
}
