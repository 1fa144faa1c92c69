import Diffusion

extension RecipeSchema {
    static func objective(_ isDeblur: Bool) -> MappingRule {
        var fields: [MappingRule.Field] = [
            .required(
                "loss", .name(LossKind.allCases.map(\.rawValue)), "l1: mean absolute error; l2: mean squared."
            ),
            .optional(
                "minSNR", .number(.above(0)), "Limit of min-SNR weighting; absent for no weighting."),
            .optional(
                "perceptual", .mapping(perceptual),
                "A second loss, on what the estimated picture looks like to a classifier."),
        ]
        if isDeblur {
            fields += [
                .optional(
                    "detachPrediction", .boolean,
                    "Whether the diffusion loss stops at the prediction; with perceptual it always does.",
                    standard: .bool(false)),
                .optional(
                    "reconstructionWeight", .number(.from(0)), "Weight of the predictor's own loss.",
                    standard: .integer(0)),
                .optional(
                    "learns", .name(Recipe.ObjectiveSettings.Part.allCases.map(\.rawValue)),
                    "What is trained: predictor and denoiser, or the network of model.deconvolution alone.",
                    standard: .string(Recipe.ObjectiveSettings.Part.pictures.rawValue)),
            ]
        }
        return MappingRule(definition: isDeblur ? "objective-deblur" : "objective", fields: fields)
    }

    private static var perceptual: MappingRule {
        typealias Network = Recipe.ObjectiveSettings.Perceptual.Network
        return MappingRule(
            definition: "perceptual",
            fields: [
                .required("network", .name(Network.allCases.map(\.rawValue)), "Whose features are compared."),
                .required(
                    "weight", .number(.above(0)), "What this loss is multiplied by before it is added."),
                .optional(
                    "every", .integer(1...1024), "Only every so many-th picture of a batch is looked at.",
                    standard: .integer(1)),
                .optional(
                    "adversarial", .mapping(adversarial),
                    "A critic that learns beside the network to tell its pictures from originals.",
                    acceptsNull: false),
            ])
    }

    private static var adversarial: MappingRule {
        MappingRule(
            definition: "adversarial",
            fields: [
                .required(
                    "weight", .number(.above(0)), "What the critic's judgement is multiplied by."),
                .required("learningRate", .number(.above(0, below: 1)), "The critic's own, constant."),
                .optional(
                    "noiseExponent", .number(.from(0, to: 100)),
                    "An estimate made at signal level γ counts (1 − γ) to this power.", standard: .integer(0)),
            ])
    }

    static var optimizer: MappingRule {
        typealias Settings = Recipe.OptimizerSettings
        return MappingRule(
            definition: "optimizer",
            fields: [
                .optional(
                    "method", .name(Settings.Method.allCases.map(\.rawValue)),
                    "adamw, or muon for the convolutions inside the network.", standard: .string("adamw")),
                .required(
                    "learningRate", .number(.above(0, below: 1)), "The rate at its highest, after warm-up."),
                .required(
                    "warmupSteps", .integer(0...1_000_000_000), "Steps over which the rate rises linearly."),
                .optional(
                    "schedule", .name(Settings.Schedule.allCases.map(\.rawValue)),
                    "linear and cosine fall over the decay part only, inverseSquareRoot from warm-up on.",
                    standard: .string("linear")),
                .required(
                    "decayFraction", .number(.from(0, to: 1)),
                    "The last part of the run, in which the rate falls."
                ),
                .required(
                    "finalFraction", .number(.from(0, to: 1)), "What is left of the rate at the end."),
                .required("beta1", .number(.from(0, below: 1)), "Decay of the gradient's mean."),
                .required("beta2", .number(.from(0, below: 1)), "Decay of the squared gradient's mean."),
                .optional(
                    "epsilon", .number(.above(0, below: 1)), "What is added to the root of that mean.",
                    standard: .number(1e-8)),
                .required("weightDecay", .number(.from(0)), "Decoupled weight decay, times the rate."),
                .required("gradientClip", .number(.above(0)), "The gradient's norm at most."),
                .required("batchSize", .integer(1...4096), "Pictures a step, of one rank."),
                .optional(
                    "accumulation", .integer(1...1024),
                    "Parts of a batch that pass the network one after the other.",
                    standard: .integer(1)),
                .optional(
                    "precision", .name(Settings.Precision.allCases.map(\.rawValue)),
                    "Number format of the passes; auto: bfloat16 where the device is fast at it.",
                    standard: .string("auto")),
                .optional(
                    "replay", .name(Settings.Replay.allCases.map(\.rawValue)),
                    "Whether what a step asks of a GPU is written down once and replayed; auto: where it can be.",
                    standard: .string("auto")),
                .required(
                    "emaDecay", .number(.from(0, below: 1)), "Decay of the averaged weights, a step."),
            ])
    }
}
