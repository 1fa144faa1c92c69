import Deblur
import Degradation
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
            // A model of several stages has a recipe for each: NAME.yaml, NAME-STAGE.yaml.
            let file = (path as NSString).lastPathComponent
            #expect(file == "\(recipe.name).yaml" || file.hasPrefix("\(recipe.name)-"))
            for name in recipe.data.sets {
                let manifest = try DatasetManifest(named: name, in: [Package.datasets])
                #expect(manifest.neverTrain != true, "\(path) trains on \(name)")
            }
            // The levels it samples by default must exist.
            let sampling =
                switch recipe.task {
                case .sr3(let model, _): model.sampling
                case .deblur(let model, _): model.sampling
                }
            #expect(try NoiseSchedule(parsing: sampling.schedule).samplingLevels(sampling.steps).last == 1)
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        let recipe = try Recipe(yaml: recipeText(), path: "tiny.yaml")
        let model = try recipe.sr3Model()
        #expect(model.target == .residual(scale: 0.2))
        #expect(model.parameterization == .velocity)
        #expect(model.network.multipliers == [1, 2])
        #expect(
            model.network.patchSize == UNetConfiguration().patchSize,
            "what is missing takes its default")
        #expect(recipe.objective.minSNR == nil && recipe.budget.minutes == nil && recipe.licence == nil)
        #expect(model.consistency == nil)
        let optimizer = recipe.optimizer
        #expect(optimizer.learningRate == 2e-3 && optimizer.epsilon == 1e-8 && optimizer.accumulation == 1)
        #expect(optimizer.schedule == .linear && optimizer.precision == .auto)
        #expect(recipe.data.memory == .auto)
    }

    /// Whang et al. 2022: about 26 million parameters with a base of 64, about 7 with 32.
    @Test func thePapersNetworksHaveThePapersSize() throws {
        let recipe = try Recipe(path: "\(Package.recipes)/deblur-paper.yaml")
        guard case .deblur(let model, let degradation) = recipe.task else {
            Issue.record("it is a recipe for deblurring")
            return
        }
        for network in [model.predictor, model.denoiser] {
            #expect(network.multipliers == [1, 2, 3, 4] && network.blocks == 3)
            #expect(network.residualResampling && network.norm == .none && network.attentionLevels.isEmpty)
        }
        #expect(model.predictor.baseWidth == 64 && model.denoiser.baseWidth == 32)
        let networks = try PredictAndRefine(model)
        #expect(networks.predictor.parameterCount == 26_065_027)
        #expect(networks.denoiser.parameterCount == 6_930_499)
        #expect(recipe.objective.reconstructionWeight == nil && recipe.objective.detachPrediction == nil)
        #expect(recipe.data.patchSize == 128 && degradation.extent.high == 41)
    }

    @Test func theShippedDeblurringRecipeIsReadWhole() throws {
        let recipe = try Recipe(path: "\(Package.recipes)/deblur.yaml")
        guard case .deblur(let model, let degradation) = recipe.task else {
            Issue.record("it is a recipe for deblurring")
            return
        }
        #expect(model.conditionsOnPrediction && model.denoiser.conditionChannels == 6)
        #expect(model.predictor.conditionChannels == 0)
        #expect(recipe.data.frames == "gopro-0477" && recipe.data.framesShare == 0.2)
        #expect(recipe.data.frameCounts == DrawRange(7, 31) && degradation.sceneExtent == DrawRange(2, 40))
        #expect(degradation.shares.count == BlurDegradation.Kind.allCases.count)
        // A sharp photo must come back unharmed: it is among what is trained on.
        #expect((degradation.shares[.none] ?? 0) > 0 && degradation.noiselessShare > 0)
        #expect(degradation.storedValuesShare == 0.3)
        let network = try #require(model.deconvolution?.network)
        #expect(model.deconvolution == Deconvolution(network: network) && model.predictor.imageChannels == 6)
        // What learns kernels afterwards goes on with the same model.
        let kernels = try Recipe(path: "\(Package.recipes)/deblur-kernels.yaml")
        guard case .deblur(let other, _) = kernels.task else { return }
        #expect(other == model && kernels.objective.learns == .kernels && recipe.objective.learns == nil)
        #expect(recipe.data.kernelEstimates == 4096)
        let frames = try DatasetManifest(named: "gopro-0477", in: [Package.datasets])
        #expect(frames.neverTrain != true)
    }

    @Test(arguments: [
        ("extent", "[5, 50]", "degradation.extent"), ("extent", "[9, 5]", "degradation.extent"),
        ("extent", "12", "degradation.extent"), ("jpegShare", "2", "degradation.jpegShare"),
        ("shares", "{ none: 0 }", "degradation.shares"), ("shares", "{ wobble: 1 }", "degradation.shares"),
        ("residualScale", "0", "residualScale"), ("framesShare", "-0.1", "data.framesShare"),
        ("kernelEstimates", "null", "data.kernelEstimates"),
        ("deconvolution", "{ kernelSide: 30, regularization: 0.01 }", "kernelSide must be odd"),
        ("deconvolution", "{ kernelSide: 31, regularization: 0 }", "regularization"),
        ("frameCounts", "[8, 8]", "data.frameCounts"), ("sceneExtent", "[2, 50]", "degradation.sceneExtent"),
        ("storedValuesShare", "0.3\n  highlightShare: 0.5", "highlightShare needs highlights"),
        ("storedValuesShare", "0.3\n  highlights: [0.5, 2]", "degradation.highlights"),
        ("framesShare", "0.2\n  lightShare: 1.5", "data.lightShare"),
        ("frames", "null", "data.framesShare"), ("reconstructionWeight", "-1", "reconstructionWeight"),
        ("task", "sr3", "'data.frames' is not a known key of task sr3, only of deblur"),
    ])
    func deblurringSettingsOutOfRangeAreNamed(key: String, value: String, named: String) throws {
        let path = "\(Package.recipes)/deblur.yaml"
        let text = recipeText([key: value], of: try String(contentsOfFile: path, encoding: .utf8))
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(error.reason.contains(named), "\(error)")
    }

    @Test(arguments: [
        ("name", "name", nil), ("task", "task", nil), ("seed", "seed", nil),
        ("patchSize", "data.patchSize", 5), ("validationCount", "data.validationCount", 5),
        ("scale", "model.scale", 9), ("target", "model.target", 9),
        ("parameterization", "model.parameterization", 9), ("learningRate", "optimizer.learningRate", 27),
        ("emaDecay", "optimizer.emaDecay", 27), ("eta", "model.sampling.eta", 18),
    ])
    func aMissingKeyIsNamedWithTheLineOfItsParent(key: String, full: String, line: Int?) throws {
        let text = recipeText(without: key)
        try #require(text != recipeText())
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        let place = line.map { "line \($0): " } ?? ""
        #expect(
            error.description == "the recipe 'r.yaml' cannot be used: \(place)the key '\(full)' is missing")
        #expect(error.kind == .invalid)
    }

    @Test func aKeyWithoutItsMappingIsNamed() throws {
        // `objective:` without its only key has no mapping at all.
        let error = try #require(throws: RecipeError.self) {
            try Recipe(yaml: recipeText(without: "loss"), path: "r.yaml")
        }
        #expect(
            error.reason
                == "line 25: 'objective' has no value, and must be a mapping of loss, minSNR or perceptual")
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
        ("task", "inpaint", "'inpaint' is not a task"), ("patchSize", "40", "data.patchSize"),
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

    @Test(arguments: ["name: [", "a: {b: {c}\nd: }", recipeText(["task": "\"a\\nb\\e\""])])
    func aMessageIsOneLineWhateverTheFileSays(text: String) throws {
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(!error.reason.isEmpty)
        #expect(!error.description.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }

    @Test func damagedFilesAreRefused() throws {
        for text in ["", "name: [", "- a\n- b\n", "name: x\n\tb: y\n", "\0", "42"] {
            #expect(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        }
        let error = try #require(throws: RecipeError.self) { try Recipe(path: "/nowhere/r.yaml") }
        #expect(error.kind == .missing)
        #expect(error.description == "the recipe '/nowhere/r.yaml' cannot be used: it cannot be read")
    }
}

extension Recipe {
    /// The model of a recipe that is known to be for super-resolution.
    func sr3Model() throws -> SR3Configuration {
        guard case .sr3(let model, _) = task else { throw DataError("'\(name)' is not for super-resolution") }
        return model
    }
}
