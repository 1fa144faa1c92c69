import Diffusion
import Foundation
import SR3
import Testing

@testable import Training

struct RecipeTests {
    @Test func everyRecipeOfThePackageLoads() throws {
        let paths = try Package.yamlFiles(in: Package.recipes)
        #expect(!paths.isEmpty)
        for path in paths {
            let recipe = try Recipe(path: path)
            #expect("\(recipe.name).yaml" == (path as NSString).lastPathComponent)
            for name in recipe.data.sets {
                let manifest = try DatasetManifest(named: name, in: [Package.datasets])
                #expect(manifest.neverTrain != true, "\(path) trains on \(name)")
            }
            // The levels it samples by default must exist.
            let sampling = recipe.model.sampling
            #expect(try NoiseSchedule(parsing: sampling.schedule).samplingLevels(sampling.steps).last == 1)
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        let recipe = try Recipe(yaml: recipeText(), path: "tiny.yaml")
        #expect(recipe.model.target == .residual(scale: 0.2))
        #expect(recipe.model.parameterization == .velocity)
        #expect(recipe.model.network.multipliers == [1, 2])
        #expect(
            recipe.model.network.patchSize == UNetConfiguration().patchSize,
            "what is missing takes its default")
        #expect(recipe.objective.minSNR == nil && recipe.budget.minutes == nil && recipe.licence == nil)
        #expect(recipe.optimizer.learningRate == 2e-3)
    }

    @Test(arguments: [
        ("name", "name"), ("task", "task"), ("seed", "seed"), ("patchSize", "data.patchSize"),
        ("validationCount", "data.validationCount"), ("scale", "model.scale"), ("target", "model.target"),
        ("parameterization", "model.parameterization"), ("loss", "objective.loss"),
        ("learningRate", "optimizer.learningRate"), ("emaDecay", "optimizer.emaDecay"),
        ("checkpointMinutes", "budget.checkpointMinutes"), ("eta", "model.sampling.eta"),
    ])
    func aMissingKeyIsNamed(key: String, full: String) throws {
        let text = recipeText(without: key)
        try #require(text != recipeText())
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        // `objective:` without its only key has no mapping at all.
        if key == "loss" {
            #expect(error.description.contains("'objective'"))
        } else {
            #expect(error.description == "the recipe 'r.yaml' cannot be used: the key '\(full)' is missing")
        }
        #expect(error.kind == .invalid)
    }

    @Test(arguments: [
        ("parameterization", "epsilon", "model.parameterization"), ("loss", "huber", "objective.loss"),
        ("method", "euler", "model.sampling.method"), ("batchSize", "many", "optimizer.batchSize"),
        ("multipliers", "[1, x]", "model.network.multipliers"), ("steps", "1.5", "steps"),
        ("sets", "three", "data.sets"), ("target", "{ blur: {} }", "model.target"),
    ])
    func anUnknownValueIsNamed(key: String, value: String, named: String) throws {
        let error = try #require(throws: RecipeError.self) {
            try Recipe(yaml: recipeText([key: value]), path: "r.yaml")
        }
        #expect(error.reason.contains(named), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test(arguments: [
        ("task", "deblur", "'deblur' is not a task"), ("patchSize", "40", "data.patchSize"),
        ("patchSize", "0", "data.patchSize"), ("patchSize", "2048", "data.patchSize"),
        ("validationCount", "-1", "data.validationCount"), ("learningRate", "0", "optimizer.learningRate"),
        ("learningRate", "-1", "optimizer.learningRate"), ("learningRate", ".nan", "optimizer.learningRate"),
        ("batchSize", "0", "optimizer.batchSize"), ("emaDecay", "1", "optimizer.emaDecay"),
        ("decayFraction", "1.5", "optimizer.decayFraction"), ("baseWidth", "6", "baseWidth"),
        ("schedule", "\"linear:1e-6:1e-2:100\"", "sampling starts from pure noise"),
        ("schedule", "\"linear:1e-6\"", "is not a schedule"),
    ])
    func aValueOutOfRangeIsRefused(key: String, value: String, named: String) throws {
        let error = try #require(throws: RecipeError.self) {
            try Recipe(yaml: recipeText([key: value]), path: "r.yaml")
        }
        #expect(error.description.hasPrefix("the recipe 'r.yaml' cannot be used: "))
        #expect(error.reason.contains(named), "\(error)")
    }

    @Test func damagedFilesAreRefused() throws {
        for text in ["", "name: [", "- a\n- b\n", "name: x\n\tb: y\n", "\0", "42"] {
            #expect(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        }
        let error = try #require(throws: RecipeError.self) { try Recipe(path: "/nowhere/r.yaml") }
        #expect(error.kind == .missing)
        #expect(error.description == "the recipe '/nowhere/r.yaml' cannot be used: it cannot be read")
    }

    @Test func theLearningRateWarmsUpAndDecays() throws {
        var recipe = try Recipe(yaml: recipeText(), path: "r.yaml")
        recipe.optimizer.learningRate = 1e-3
        recipe.optimizer.warmupSteps = 100
        recipe.optimizer.decayFraction = 0.4
        recipe.optimizer.finalFraction = 0.1
        func rate(_ step: Int, _ progress: Double) -> Double {
            recipe.learningRate(step: step, progress: progress)
        }
        #expect(abs(rate(0, 0) - 1e-5) < 1e-15)
        #expect(abs(rate(49, 0) - 5e-4) < 1e-15)
        #expect(rate(99, 0) == 1e-3 && rate(5000, 0.6) == 1e-3)
        #expect(abs(rate(5000, 0.8) - 5.5e-4) < 1e-15)
        #expect(abs(rate(5000, 1) - 1e-4) < 1e-15)
        #expect(abs(rate(5000, 1.7) - 1e-4) < 1e-15, "past the budget it stays")
        #expect(abs(rate(49, 0.8) - 2.75e-4) < 1e-15)
        recipe.optimizer.decayFraction = 0
        #expect(rate(5000, 1) == 1e-3)
        recipe.optimizer.warmupSteps = 0
        #expect(rate(0, 0) == 1e-3)
    }
}
