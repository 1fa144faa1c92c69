import Testing

@testable import Training

struct BudgetTests {
    /// The tiny recipe with another budget.
    private func budget(_ text: String) throws -> Recipe.Budget {
        var lines = recipeText().split(separator: "\n").map(String.init)
        lines.removeLast(4)
        return try Recipe(yaml: lines.joined(separator: "\n") + "\nbudget: \(text)\n", path: "r.yaml").budget
    }

    @Test(arguments: [
        ("9m", 9.0), ("1h30m", 90), ("45s", 0.75), ("2d", 2880), ("1.5h", 90), ("1d1h1m30s", 1501.5),
    ])
    func timesAreRead(text: String, minutes: Double) throws {
        #expect(RecipeTime.minutes(parsing: text) == minutes)
        let budget = try budget(text)
        #expect(budget.minutes == minutes && budget.steps == .max)
        #expect(budget.checkpointMinutes == 5 && budget.validationMinutes == 5)
        #expect(try self.budget("{time: \(text), steps: 7}").minutes == minutes)
    }

    @Test(arguments: [
        "", "9", "m", "9 m", "m9", "30m1h", "1h1h", "-9m", "0m", "1.h", ".5h", "1e3m", "9M", "٩m",
        "99999999999d",
        "9m ", "1..5h",
    ])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(RecipeTime.minutes(parsing: text) == nil)
    }

    @Test func stepsAreRead() throws {
        let budget = try budget("20000 steps")
        #expect(budget.steps == 20000 && budget.minutes == nil)
        #expect(try self.budget("1 step").steps == 1)
    }

    @Test(arguments: [
        "20000", "0 steps", "-1 steps", "1.5 steps", "many steps", "9x", "[9m]", "{}", "9000000000000 steps",
    ])
    func whatIsNoBudgetIsRefused(text: String) throws {
        let error = try #require(throws: RecipeError.self) { try budget(text) }
        #expect(error.reason.hasPrefix("line 38: 'budget' "), "\(error)")
    }

    @Test func aBudgetNeedsAnEnd() throws {
        let error = try #require(throws: RecipeError.self) { try budget("{checkpointMinutes: 4}") }
        #expect(error.reason == "line 38: 'budget' needs steps, time or minutes")
        let twice = try #require(throws: RecipeError.self) { try budget("{time: 9m, minutes: 9}") }
        #expect(twice.reason == "line 38: 'budget' has both time and minutes: give one")
        #expect(try budget("{minutes: 9}").steps == .max)
        let whole = try budget("{steps: 5, time: 1h, checkpointMinutes: 2, validationMinutes: 0}")
        #expect(whole.steps == 5 && whole.minutes == 60)
        #expect(whole.checkpointMinutes == 2 && whole.validationMinutes == 0)
    }
}
