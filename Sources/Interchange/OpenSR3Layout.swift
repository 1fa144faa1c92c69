import Diffusion
import Tensors

/// The U-Net of the open SR3 implementation that most others descend from
/// (github.com/Janspiry/Image-Super-Resolution-via-Iterative-Refinement).
///
/// All but its number of groups follows from the state dictionary. `downs` and `ups` are flat lists of
/// blocks and changes of size. It is given the condition before the noisy picture.
struct OpenSR3Layout: PublishedLayout {
    static let marker = "downs.0.weight"

    let configuration: UNetConfiguration
    private let isConditionFirst: Bool

    /// - Parameters:
    ///   - groups: `norm_groups` of the network's own configuration.
    /// - Throws: ``TensorFileError``.
    init(_ state: PublishedState, groups: Int, isConditionFirst: Bool) throws {
        func refuse(_ reason: String) -> TensorFileError {
            TensorFileError(unsupported: state.path, reason: reason)
        }
        let input = try state.extents(Self.marker)
        let output = try state.extents("final_conv.block.3.weight")
        var levels: [Level] = [Level()]
        var index = 1
        while state.contains(below: "downs.\(index).") || levels.last?.blocks.isEmpty == true {
            if state.contains(below: "downs.\(index).conv.") {
                levels.append(Level())
            } else {
                let block = "downs.\(index)"
                levels[levels.count - 1].blocks.append(
                    .init(
                        width: try state.extents("\(block).res_block.block1.block.3.weight").outputs,
                        attends: state.contains(below: "\(block).attn.")))
            }
            index += 1
        }
        let blocks = levels[0].blocks.count
        guard levels.allSatisfy({ $0.blocks.count == blocks && Set($0.blocks).count == 1 }) else {
            throw refuse("the blocks below '\(state.prefix)downs' are not alike within each level")
        }
        let widths = levels.map { $0.blocks[0].width }
        guard let odd = widths.first(where: { $0 % input.outputs != 0 }) else {
            let shift = try state.extents("downs.1.res_block.noise_func.noise_func.0.weight").outputs
            configuration = UNetConfiguration(
                imageChannels: output.outputs, conditionChannels: input.inputs - output.outputs,
                baseWidth: input.outputs, multipliers: widths.map { $0 / input.outputs }, blocks: blocks,
                attentionLevels: levels.indices.filter { levels[$0].blocks[0].attends }, norm: .group,
                levelConditioning: shift == 2 * widths[0] ? .affine : .bias, patchSize: 1,
                skipConnections: .concatenated, resampling: .strided,
                middleAttention: state.contains(below: "mid.0.attn.") ? .once : .none, headWidth: 0,
                groups: groups, levelEncoding: .amplitude)
            self.isConditionFirst = isConditionFirst
            return
        }
        throw refuse("a level of \(odd) channels is no multiple of the first's \(input.outputs)")
    }

    private struct Level { var blocks: [Block] = [] }

    private struct Block: Hashable {
        let width: Int
        let attends: Bool
    }

    let blockNames = [
        (ours: "norm1", theirs: "res_block.block1.block.0"),
        (ours: "conv1", theirs: "res_block.block1.block.3"),
        (ours: "level", theirs: "res_block.noise_func.noise_func.0"),
        (ours: "norm2", theirs: "res_block.block2.block.0"),
        (ours: "conv2", theirs: "res_block.block2.block.3"),
        (ours: "skip", theirs: "res_block.res_conv"),
    ]

    let otherNames = [
        (ours: "input", theirs: "downs.0"), (ours: "embedding.first", theirs: "noise_level_mlp.1"),
        (ours: "embedding.second", theirs: "noise_level_mlp.3"),
        (ours: "output_norm", theirs: "final_conv.block.0"),
        (ours: "output", theirs: "final_conv.block.3"),
    ]

    /// The schedule's tables, which PyTorch saves with the network.
    let neighbours = [
        "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod",
        "sqrt_one_minus_alphas_cumprod",
        "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
        "posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1",
        "posterior_mean_coef2",
    ]

    func name(of part: NetworkPart) -> String {
        let (blocks, last) = (configuration.blocks, configuration.multipliers.count - 1)
        return switch part {
        case .down(let level, let index): "downs.\(1 + level * (blocks + 1) + index)"
        case .shrink(let level): "downs.\((level + 1) * (blocks + 1)).conv"
        case .middle(let index): "mid.\(index)"
        case .up(let level, let index): "ups.\((last - level) * (blocks + 2) + index)"
        case .grow(let level): "ups.\((last - level) * (blocks + 2) - 1).conv"
        }
    }

    func transcribeAttention(after part: NetworkPart, _ transcript: NetworkTranscript) throws {
        let (theirs, ours) = ("\(name(of: part)).attn", "\(part.name)_attention")
        try transcript.copy("\(theirs).norm", to: "\(ours).norm")
        try transcript.copyWithoutBias("\(theirs).qkv", to: "\(ours).qkv")
        try transcript.copy("\(theirs).out", to: "\(ours).output")
    }

    func finish(_ transcript: NetworkTranscript) throws {
        if isConditionFirst { try transcript.exchangeInputHalves(of: "input") }
    }

    /// The schedule whose tables a file has; nil where it has none.
    ///
    /// - Throws: ``TensorFileError`` where it is none that can be named.
    static func schedule(_ state: PublishedState) throws -> String? {
        guard let betas = try state.neighbour("betas"), let low = betas.first, let high = betas.last else {
            return nil
        }
        // The shortest decimals that are these float32 numbers are those somebody wrote.
        let text = "linear:\(Float(low)):\(Float(high)):\(betas.count)"
        let linear = try? NoiseSchedule(parsing: text)
        guard let linear, zip(linear.betas, betas).allSatisfy({ abs($0 - $1) <= 1e-5 * abs($0) }) else {
            throw TensorFileError(
                unsupported: state.path,
                reason: "its schedule 'betas' is not linear: say which with --schedule")
        }
        return text
    }
}
