import Testing

@testable import Training

struct LearningRateTests {
    /// Peak 1e-3, 100 steps of warm-up, the last 40 % falling to a tenth.
    private func recipe(_ schedule: Recipe.OptimizerSettings.Schedule) throws -> Recipe {
        var recipe = try Recipe(yaml: recipeText(), path: "r.yaml")
        recipe.optimizer.schedule = schedule
        recipe.optimizer.learningRate = 1e-3
        recipe.optimizer.warmupSteps = 100
        recipe.optimizer.decayFraction = 0.4
        recipe.optimizer.finalFraction = 0.1
        return recipe
    }

    private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-15 }

    @Test func theLearningRateWarmsUpAndDecays() throws {
        var recipe = try recipe(.linear)
        func rate(_ step: Int, _ progress: Double) -> Double {
            recipe.learningRate(step: step, progress: progress)
        }
        #expect(isNear(rate(0, 0), 1e-5))
        #expect(isNear(rate(49, 0), 5e-4))
        #expect(rate(99, 0) == 1e-3 && rate(5000, 0.6) == 1e-3)
        #expect(isNear(rate(5000, 0.8), 5.5e-4))
        #expect(isNear(rate(5000, 1), 1e-4))
        #expect(isNear(rate(5000, 1.7), 1e-4), "past the budget it stays")
        #expect(isNear(rate(49, 0.8), 2.75e-4))
        recipe.optimizer.decayFraction = 0
        #expect(rate(5000, 1) == 1e-3)
        recipe.optimizer.warmupSteps = 0
        #expect(rate(0, 0) == 1e-3)
    }

    @Test func theCosineFallsSlowlyFirstAndLast() throws {
        let recipe = try recipe(.cosine)
        func rate(_ step: Int, _ progress: Double) -> Double {
            recipe.learningRate(step: step, progress: progress)
        }
        #expect(isNear(rate(49, 0), 5e-4), "the warm-up is the same")
        #expect(rate(5000, 0.3) == 1e-3 && rate(5000, 0.6) == 1e-3)
        // A third into the decay: (1 + cos 60°)/2 = 3/4 of the way is left.
        #expect(isNear(rate(5000, 0.6 + 0.4 / 3), 1e-3 * (0.1 + 0.9 * 0.75)))
        #expect(isNear(rate(5000, 0.8), 5.5e-4))
        #expect(isNear(rate(5000, 0.6 + 0.8 / 3), 1e-3 * (0.1 + 0.9 * 0.25)))
        #expect(isNear(rate(5000, 1), 1e-4) && isNear(rate(5000, 1.7), 1e-4))
    }

    @Test func theInverseSquareRootFallsFromTheEndOfTheWarmUp() throws {
        var recipe = try recipe(.inverseSquareRoot)
        func rate(_ step: Int, _ progress: Double) -> Double {
            recipe.learningRate(step: step, progress: progress)
        }
        #expect(isNear(rate(49, 0), 5e-4))
        #expect(rate(99, 0) == 1e-3)
        #expect(isNear(rate(399, 0), 5e-4), "four times the steps, half the rate")
        #expect(isNear(rate(9999, 0.5), 1e-4))
        #expect(isNear(rate(9999, 0.8), 5.5e-5), "the last part falls linearly besides")
        #expect(isNear(rate(9999, 1), 1e-5))
        recipe.optimizer.decayFraction = 0
        #expect(isNear(rate(9999, 1), 1e-4))
        recipe.optimizer.warmupSteps = 0
        #expect(isNear(rate(3, 0), 5e-4))
    }
}
