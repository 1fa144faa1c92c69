import Testing

@testable import Training

struct RecipeOverrideTests {
    private func resolved(_ overrides: String..., text: String = recipeText()) throws -> ResolvedRecipe {
        try ResolvedRecipe(yaml: text, path: "r.yaml", overrides: overrides)
    }

    private func reason(_ override: String, text: String = recipeText()) throws -> String {
        let error = try #require(throws: RecipeError.self) {
            try ResolvedRecipe(yaml: text, path: "r.yaml", overrides: [override])
        }
        #expect(error.kind == .override)
        return error.reason
    }

    @Test func withoutOverridesTheTextIsKeptAsItIs() throws {
        let text = "# with a comment\n" + recipeText()
        #expect(try resolved(text: text).text == text)
    }

    @Test func scalarsListsAndMappingsAreSet() throws {
        let resolved = try resolved(
            "optimizer.learningRate=3e-4", "budget.minutes=9", "data.sets=[a, b]", "optimizer.accumulation=4",
            "model.network.norm=group", "description='two: words'", "licence=\"A, B\"",
            "model.target={image: {}}")
        let recipe = resolved.recipe
        #expect(recipe.optimizer.learningRate == 3e-4 && recipe.optimizer.accumulation == 4)
        #expect(recipe.budget.minutes == 9 && recipe.budget.steps == 12)
        #expect(recipe.data.sets == ["a", "b"] && recipe.licence == "A, B")
        let model = try recipe.sr3Model()
        #expect(model.network.norm == .group && model.target == .image)
        // What is kept says the same, and says it in the same words when it is resolved once more.
        #expect(try Recipe(yaml: resolved.text, path: "again.yaml") == recipe)
        let again = try ResolvedRecipe(
            yaml: resolved.text, path: "again.yaml", overrides: ["optimizer.accumulation=4"])
        #expect(again.text == resolved.text)
    }

    @Test func laterOverridesCountAndNullRemoves() throws {
        #expect(try resolved("seed=4", "seed=5").recipe.seed == 5)
        let text = recipeText() + "licence: mine\n"
        #expect(try resolved(text: text).recipe.licence == "mine")
        #expect(try resolved("licence=", text: text).recipe.licence == nil)
        #expect(try resolved("licence=null", text: text).recipe.licence == nil)
    }

    @Test func elementsOfListsAreSetByNumber() throws {
        let resolved = try resolved("model.network.multipliers.1=3")
        #expect(try resolved.recipe.sr3Model().network.multipliers == [1, 3])
        #expect(
            try reason("model.network.multipliers.2=3")
                == "--set model.network.multipliers.2=3: 'model.network.multipliers' has no key '2'")
    }

    @Test func aShortBudgetTakesSingleKeys() throws {
        var lines = recipeText().split(separator: "\n").map(String.init)
        lines.removeLast(4)
        let text = (lines + ["budget: 9m"]).joined(separator: "\n")
        let more = try resolved("budget.steps=40", text: text).recipe.budget
        #expect(more.minutes == 9 && more.steps == 40)
        #expect(try resolved("budget.minutes=4", text: text).recipe.budget.minutes == 4)
        let other = try resolved("budget=1h", text: recipeText()).recipe.budget
        #expect(other.minutes == 60 && other.steps == .max)
    }

    @Test func whatCannotBeSetIsNamed() throws {
        #expect(
            try reason("optimizer.lerningRate=1")
                == "--set optimizer.lerningRate=1: 'optimizer.lerningRate' is not a known key, "
                + "did you mean 'optimizer.learningRate'?")
        #expect(
            try reason("optimzer.learningRate=1")
                == "--set optimzer.learningRate=1: 'optimzer' is not a known key, did you mean 'optimizer'?")
        #expect(
            try reason("optimizer.batchSize=[1]")
                == "--set optimizer.batchSize=[1]: 'optimizer.batchSize' is [1], "
                + "and must be a whole number from 1 to 4096")
        #expect(
            try reason("optimizer")
                == "--set optimizer: write KEY=VALUE, for example optimizer.learningRate=3e-4")
        #expect(try reason("=3").contains("write KEY=VALUE"))
        #expect(try reason("a..b=3").contains("write KEY=VALUE"))
        #expect(try reason("name.x=3") == "--set name.x=3: 'name' has no key 'x'")
        #expect(try reason("seed=[1").hasPrefix("--set seed=[1: it is not valid YAML ("))
        #expect(
            try reason("data.patchSize=40")
                == "--set data.patchSize=40: data.patchSize must be a multiple of scale × network.patchSize")
    }

    @Test func aMistakeInTheFileIsNotBlamedOnAnOverride() throws {
        let error = try #require(throws: RecipeError.self) {
            try ResolvedRecipe(
                yaml: recipeText(["batchSize": "x"]), path: "r.yaml",
                overrides: ["optimizer.learningRate=1e-3"])
        }
        #expect(error.kind == .invalid && error.reason.hasPrefix("line 36: 'optimizer.batchSize'"))
    }

    @Test func textsThatSayTheSameAreTheSameRecipe() {
        #expect(Recipe.saysTheSame(recipeText(), "# other\n" + recipeText()))
        #expect(Recipe.saysTheSame(recipeText(), recipeText(["learningRate": "0.002"])))
        #expect(!Recipe.saysTheSame(recipeText(), recipeText(["learningRate": "0.003"])))
        #expect(!Recipe.saysTheSame("nonsense", "nonsense: 1"))
        let longer = recipeText(["validationMinutes": "30"])
        #expect(!Recipe.saysTheSame(recipeText(), longer))
        #expect(Recipe.saysTheSame(recipeText(), longer, ignoresBudget: true))
        let other = recipeText(["validationMinutes": "30", "learningRate": "0.003"])
        #expect(!Recipe.saysTheSame(recipeText(), other, ignoresBudget: true))
    }
}
