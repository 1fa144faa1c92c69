import Deblur
import Degradation
import Diffusion
import SR3
import Yams

extension RecipeSchema {
    static var sr3Model: MappingRule {
        MappingRule(
            definition: "model-sr3",
            fields: [
                .required("scale", .integer(2...8), "Enlargement."),
                .required("target", .mapping(target), "What is diffused."),
                parameterization, trainingSchedule,
                .required("network", .mapping(network), "The U-Net."),
                .required("sampling", .mapping(sampling), "What restoring does unless told otherwise."),
                .optional(
                    "consistency", .boolean,
                    "Whether a result is brought into agreement with its input unless told otherwise.",
                    standard: .bool(true)),
            ]
        ) { _ = try YAMLDecoder().decode(SR3Configuration.self, from: $0) }
    }

    static var deblurModel: MappingRule {
        MappingRule(
            definition: "model-deblur",
            fields: [
                .required("predictor", .mapping(network), "The network of the first sharp picture."),
                .required("denoiser", .mapping(network), "The network that diffuses the residual."),
                .required(
                    "residualScale", .number(.above(0, to: 2)),
                    "By which the residual is divided; about its deviation."
                ),
                .optional(
                    "conditionsOnPrediction", .boolean, "Whether the denoiser sees the prediction too.",
                    standard: .bool(false)),
                .optional(
                    "deconvolution", .mapping(deconvolution),
                    "Makes the predictor see the picture with an estimated blur divided out, too.",
                    acceptsNull: false),
                parameterization, trainingSchedule,
                .required("sampling", .mapping(sampling), "What restoring does unless told otherwise."),
                .optional(
                    "perception", .list(.mapping(perception), count: 2...100),
                    "Settings along the perception-distortion curve, from 0 to 1."),
            ]
        ) { _ = try YAMLDecoder().decode(DeblurConfiguration.self, from: $0) }
    }

    private static var deconvolution: MappingRule {
        MappingRule(
            definition: "deconvolution",
            fields: [
                .required(
                    "kernelSide", .integer(5...UInt64(BlurKernel.maximumSide)),
                    "Side of the kernel that is looked for, odd, pixels."),
                .required(
                    "regularization", .number(.above(0, to: 1)),
                    "Weight of the gradients when it is divided out."),
                .optional(
                    "network", .mapping(network),
                    "A U-Net over planes of a kernel's size that improves what is found; none if absent.",
                    acceptsNull: false),
            ])
    }

    private static var parameterization: MappingRule.Field {
        .required(
            "parameterization", .name(Parameterization.allCases.map(\.rawValue)), "What the network predicts."
        )
    }

    private static var trainingSchedule: MappingRule.Field {
        .required(
            "schedule", .text(noiseSchedule), "Noise of training: linear:LOW:HIGH:STEPS or cosine:STEPS.")
    }

    private static let noiseSchedule = TextRule(
        "linear:LOW:HIGH:STEPS or cosine:STEPS", pattern: "^(linear(:[^:]+){3}|cosine:[0-9]+)$"
    ) { text in
        do {
            _ = try NoiseSchedule(parsing: text)
            return nil
        } catch { return "\(error)" }
    }

    private static var target: MappingRule {
        let residual = MappingRule(
            definition: "target-residual",
            fields: [
                .required("scale", .number(.above(0, to: 2)), "The residual's standard deviation.")
            ])
        return MappingRule(
            definition: "target",
            fields: [
                .optional(
                    "image", .mapping(MappingRule(definition: "target-image", fields: [])),
                    "The original picture itself.", acceptsNull: false),
                .optional(
                    "residual", .mapping(residual), "(original − bicubic)/scale.", acceptsNull: false),
            ], isChoice: true)
    }

    private static var levelEncoding: MappingRule {
        let none = MappingRule(definition: "level-encoding-plain", fields: [])
        let timestep = MappingRule(
            definition: "level-encoding-timestep",
            fields: [
                .required("schedule", .text(noiseSchedule), "The schedule whose steps are counted."),
                .required(
                    "frequencyShift", .number(.from(0, to: 1)),
                    "Of the sinusoids' frequencies, as in diffusers."),
            ])
        return MappingRule(
            definition: "level-encoding",
            fields: [
                .optional("logSNR", .mapping(none), "Sinusoids of the log-SNR.", acceptsNull: false),
                .optional(
                    "amplitude", .mapping(none), "Sinusoids of √γ, as in the open SR3 network.",
                    acceptsNull: false),
                .optional(
                    "timestep", .mapping(timestep), "Sinusoids of the step, as in DDPM.", acceptsNull: false),
            ], isChoice: true)
    }

    private static var network: MappingRule {
        typealias Network = UNetConfiguration
        let standard = Network()
        func count(_ value: Int) -> JSONText { .integer(value) }
        return MappingRule(
            definition: "network",
            fields: [
                .optional(
                    "baseWidth", .integer(4...1024, multipleOf: 4), "Channels at the first level.",
                    standard: count(standard.baseWidth)),
                .optional(
                    "multipliers", .list(.integer(1...32), count: 1...8),
                    "Width of each level as a multiple of baseWidth; each further level halves the size.",
                    standard: .array(standard.multipliers.map(count))),
                .optional(
                    "blocks", .integer(1...16), "Residual blocks a level, each way.",
                    standard: count(standard.blocks)),
                .optional(
                    "attentionLevels", .list(.integer(0...7), count: 0...8),
                    "Levels with self-attention; 0 is the first.", standard: .array([])),
                .optional(
                    "dropout", .number(.from(0, below: 1)), "Share of features dropped in training.",
                    standard: .number(standard.dropout)),
                .optional(
                    "norm", .name(Network.Norm.allCases.map(\.rawValue)), "Normalisation inside the blocks.",
                    standard: .string(standard.norm.rawValue)),
                .optional(
                    "levelConditioning", .name(Network.LevelConditioning.allCases.map(\.rawValue)),
                    "How the noise level enters a block.",
                    standard: .string(standard.levelConditioning.rawValue)),
                .optional(
                    "patchSize", .size([1, 2, 4]), "Pixel-unshuffle factor at the network's door.",
                    standard: count(standard.patchSize)),
                .optional(
                    "residualResampling", .boolean, "Whether size changes are residual blocks.",
                    standard: .bool(standard.residualResampling)),
                .optional(
                    "skipConnections", .name(Network.SkipConnections.allCases.map(\.rawValue)),
                    "How features of the way down reach the way up.",
                    standard: .string(standard.skipConnections.rawValue)),
                .optional(
                    "resampling", .name(Network.Resampling.allCases.map(\.rawValue)),
                    "How plain size changes are made.", standard: .string(standard.resampling.rawValue)),
                .optional(
                    "middleAttention", .name(Network.MiddleAttention.allCases.map(\.rawValue)),
                    "Where the middle has attention.",
                    standard: .string(standard.middleAttention.rawValue)),
                .optional(
                    "headWidth", .integer(0...1024), "Channels of a head of attention; 0 for one head.",
                    standard: count(standard.headWidth)),
                .optional(
                    "groups", .integer(0...1024), "Groups of group normalisation; 0 to choose by channels.",
                    standard: count(standard.groups)),
                .optional(
                    "normEpsilon", .number(.above(0, below: 1)), "What normalisation adds to the variance.",
                    standard: .number(standard.normEpsilon)),
                .optional(
                    "levelEncoding", .mapping(levelEncoding),
                    "What the blocks are told of the noise; logSNR if absent."),
            ]
        ) { _ = try YAMLDecoder().decode(UNetConfiguration.self, from: $0) }
    }

    private static var sampling: MappingRule {
        MappingRule(
            definition: "sampling",
            fields: [
                .required(
                    "method", .name(SamplingDefaults.Method.allCases.map(\.rawValue)), "The sampler."),
                .required("steps", .integer(1...100_000), "Steps, at most those of its schedule."),
                .required("eta", .number(.from(0, to: 1)), "Noise of ddim: 0 none, 1 as ddpm."),
                .required("variance", .number(.from(0, to: 2)), "Variance of ddpm's noise."),
                .required("temperature", .number(.from(0, to: 1)), "Deviation of the initial noise."),
                .required(
                    "schedule", .text(noiseSchedule),
                    "Noise of sampling: linear:LOW:HIGH:STEPS or cosine:STEPS."),
            ]
        ) { try YAMLDecoder().decode(SamplingDefaults.self, from: $0).validate() }
    }

    private static var perception: MappingRule {
        MappingRule(
            definition: "perception",
            fields: [
                .required("perception", .number(.from(0, to: 1)), "Place on the knob."),
                .required("steps", .integer(1...100_000), "Steps of sampling."),
                .required("samples", .integer(1...1000), "Samples that are averaged."),
                .required(
                    "maximumNoise", .number(.above(0, to: 1)), "√(1 − γ) at which sampling starts."),
            ])
    }
}
