import Deblur
import Degradation

/// What a recipe may say: its keys, their types, ranges and meaning. The one description from which
/// recipes are checked and the published JSON Schema is made.
public enum RecipeSchema {
    /// The newest format of recipes that this program understands.
    public static let version: UInt64 = 1

    static let tasks = ["sr3", "deblur"]

    /// The keys of a recipe for one of ``tasks``.
    static func recipe(of task: String) -> MappingRule {
        let isDeblur = task == "deblur"
        var fields: [MappingRule.Field] = [
            .optional(
                "version", .integer(1...version), "Version of this format.", standard: .integer(1)),
            .required("name", .text(modelName), "The model's name, from which files are named."),
            .required("description", .text(TextRule("text")), "What the model is, in a line."),
            .optional("licence", .text(TextRule("text")), "Under what terms the weights may be used."),
            .required("task", .name(tasks), "What is trained."),
            .required("seed", .integer(0...UInt64.max), "From which every random number follows."),
            .required("data", .mapping(data(isDeblur)), "What a run learns from."),
        ]
        fields += [
            isDeblur
                ? .required("degradation", .mapping(blur), "How blurred pictures are made from sharp ones.")
                : .optional(
                    "degradation", .mapping(secondOrder),
                    "How low-resolution pictures are made; absent for antialiased bicubic."),
            .required(
                "model", .mapping(isDeblur ? deblurModel : sr3Model), "The networks and how they are used."),
            .required("objective", .mapping(objective(isDeblur)), "What is minimised."),
            .required("optimizer", .mapping(optimizer), "How the weights move."),
            .required(
                "budget", .shorthand(shortBudget, budget),
                "When a run ends: a mapping, or in short a time or a number of steps."),
        ]
        return MappingRule(definition: "recipe-\(task)", fields: fields)
    }

    private static let modelName = TextRule(
        "1 to 100 letters, digits, '-', '_' and '.'", pattern: "^[^.\\s/\\\\][^\\s/\\\\]*$", limit: 100
    ) { name in
        let isSound =
            (1...100).contains(name.count) && !name.hasPrefix(".")
            && name.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
        return isSound ? nil : ""
    }

    private static func data(_ isDeblur: Bool) -> MappingRule {
        var fields: [MappingRule.Field] = [
            .required(
                "sets", .list(.text(TextRule("text")), count: 0...1000),
                "Names of manifests in Datasets/; empty for every picture under --data."),
            .optional(
                "exclude", .list(.text(TextRule("text")), count: 0...1000),
                "File names of pictures that are left out: others measure on them."),
            .required(
                "patchSize", .integer(16...1024), "Side of the square crops of the original, in pixels."),
            .required(
                "validationCount", .integer(0...1000), "Pictures held out, taken evenly from the sorted list."
            ),
        ]
        if isDeblur {
            fields += [
                .optional(
                    "frames", .text(TextRule("text")),
                    "Manifest of consecutive frames whose averages are real motion blur."),
                .optional(
                    "framesShare", .number(.from(0, to: 1)), "Share of a batch that comes from frames.",
                    standard: .integer(0)),
                .optional(
                    "frameCounts", .interval(1...101),
                    "How many frames are averaged: odd numbers from the one to the other; absent for [7, 13]."
                ),
                .optional(
                    "kernelEstimates", .integer(1...100_000),
                    "With model.deconvolution: kernels that are drawn and estimated before training."),
                .optional(
                    "largeKernelEstimates", .integer(0...100_000),
                    "With objective.learns kernels: as many more, of parts of large photographs, blurred by up to \(Int(BlurDegradation.longestPath)) pixels.",
                    standard: .integer(0)),
                .optional(
                    "blurEstimates", .integer(1...UInt64(Deconvolution.mostEstimates)),
                    "In how many ways each is estimated; that nearest to the sharp picture counts.",
                    standard: .integer(1)),
                .optional(
                    "lightShare", .number(.from(0, to: 1)),
                    "With model.deconvolution: how often blur of light is divided out of light, and not of stored values.",
                    standard: .integer(0)),
                .optional(
                    "searchModel", .text(TextRule("text")),
                    "With objective.learns kernels: the deblurring model whose network takes part in the search, a name or a path."
                ),
            ]
        }
        fields.append(
            .optional(
                "memory", .name(Recipe.DataSettings.Memory.allCases.map(\.rawValue)),
                "Where decoded pictures are kept; auto: on the device where they fit.",
                standard: .string("auto")))
        return MappingRule(definition: isDeblur ? "data-deblur" : "data", fields: fields)
    }

    private static let shortBudget = TextRule(
        "a time such as 9m or 1h30m, a number of steps such as '20000 steps'", pattern: Recipe.Budget.pattern
    ) { Recipe.Budget.short($0) == nil ? "" : nil }

    private static let time = TextRule(
        "a time such as 9m, 1h30m or 45s", pattern: "^(?=.)\(RecipeTime.pattern)$"
    ) { RecipeTime.minutes(parsing: $0) == nil ? "" : nil }

    private static var budget: MappingRule {
        MappingRule(
            definition: "budget",
            fields: [
                .optional(
                    "steps", .integer(1...UInt64(Recipe.Budget.largestStepCount)), "Optimiser steps at most."),
                .optional("time", .text(time), "Training at most, validation included, as 9m or 1h30m."),
                .optional(
                    "minutes", .number(.above(0, to: RecipeTime.longest)), "The same as time, in minutes."),
                .optional(
                    "checkpointMinutes", .number(.from(0, to: RecipeTime.longest)),
                    "Minutes between checkpoints.",
                    standard: .number(Recipe.Budget.standardMinutes)),
                .optional(
                    "validationMinutes", .number(.from(0, to: RecipeTime.longest)),
                    "Minutes between validations.",
                    standard: .number(Recipe.Budget.standardMinutes)),
            ], alternatives: ["steps", "time", "minutes"], synonyms: ["time", "minutes"])
    }
}
