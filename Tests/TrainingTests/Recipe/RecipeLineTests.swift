import Testing

@testable import Training

/// What is wrong in a recipe is told with its line and full name.
struct RecipeLineTests {
    private func reason(_ text: String) throws -> String {
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(error.kind == .invalid)
        return error.reason
    }

    /// The tiny recipe with a line added below another, or at its end.
    private func text(adding line: String, below key: String? = nil) -> String {
        var lines = recipeText().split(separator: "\n").map(String.init)
        let index = key.flatMap { key in lines.firstIndex { $0.hasPrefix(key) } } ?? lines.count - 1
        lines.insert(line, at: index + 1)
        return lines.joined(separator: "\n") + "\n"
    }

    @Test func anUnknownKeyIsRefusedAtEveryDepth() throws {
        #expect(
            try reason(recipeText().replacingOccurrences(of: "learningRate", with: "lerningRate"))
                == "line 28: 'optimizer.lerningRate' is not a known key, did you mean 'optimizer.learningRate'?"
        )
        #expect(
            try reason(text(adding: "sead: 3"))
                == "line 42: 'sead' is not a known key, did you mean 'seed'?")
        #expect(
            try reason(text(adding: "    basewidth: 8", below: "  network:"))
                == "line 15: 'model.network.basewidth' is not a known key, did you mean 'model.network.baseWidth'?"
        )
        #expect(
            try reason(text(adding: "  learningRate: 1", below: "budget:"))
                == "line 39: 'budget.learningRate' is not a known key, did you mean 'optimizer.learningRate'?"
        )
        #expect(
            try reason(text(adding: "  turbo: 1", below: "objective:"))
                == "line 26: 'objective.turbo' is not a known key of 'objective': there are loss, minSNR, perceptual"
        )
        #expect(
            try reason(text(adding: "  frames: x", below: "data:"))
                == "line 6: 'data.frames' is not a known key of task sr3, only of deblur")
        #expect(
            try reason(recipeText(["target": "{ residual: { scale: 0.2, bias: 1 } }"]))
                == "line 11: 'model.target.residual.bias' is not a known key of 'model.target.residual': "
                + "there are scale")
    }

    @Test func aKeyOfTheWrongTaskIsFoundWithoutATask() throws {
        #expect(
            try reason(recipeText().replacingOccurrences(of: "task:", with: "tsak:"))
                == "line 3: 'tsak' is not a known key, did you mean 'task'?")
    }

    @Test(arguments: [
        (
            "batchSize", "many",
            "line 36: 'optimizer.batchSize' is 'many', and must be a whole number from 1 to 4096"
        ),
        (
            "batchSize", "0",
            "line 36: 'optimizer.batchSize' is '0', and must be a whole number from 1 to 4096"
        ),
        (
            "batchSize", "\"8\"",
            "line 36: 'optimizer.batchSize' is '8', and must be a whole number from 1 to 4096"
        ),
        (
            "batchSize", "[8]",
            "line 36: 'optimizer.batchSize' is [8], and must be a whole number from 1 to 4096"
        ),
        (
            "batchSize", "",
            "line 36: 'optimizer.batchSize' has no value, and must be a whole number from 1 to 4096"
        ),
        (
            "learningRate", ".inf",
            "line 28: 'optimizer.learningRate' is '.inf', and must be a number above 0 and below 1"
        ),
        (
            "parameterization", "velocty",
            "line 12: 'model.parameterization' is 'velocty', and must be noise, velocity or clean, did you mean velocity?"
        ),
        (
            "baseWidth", "6",
            "line 15: 'model.network.baseWidth' is '6', and must be a whole number from 4 to 1024, a multiple of 4"
        ),
        ("patchSize", "40", "line 7: data.patchSize must be a multiple of scale × network.patchSize"),
        ("target", "{}", "line 11: 'model.target' must have exactly one of image or residual"),
        (
            "data", "12",
            "line 5: 'data' is '12', and must be a mapping of sets, exclude, patchSize, validationCount or memory"
        ),
        ("seed", "-1", "line 4: 'seed' is '-1', and must be a whole number from 0"),
        ("seed", "!!int 3", "line 4: 'seed' has a tag, which recipes do not have: leave '!…' out"),
        ("name", "a/b", "line 1: 'name' is 'a/b', and must be 1 to 100 letters, digits, '-', '_' and '.'"),
        ("task", "inpaint", "line 3: 'inpaint' is not a task: use sr3 or deblur"),
    ])
    func aValueIsToldWithItsLine(key: String, value: String, sentence: String) throws {
        var text = recipeText([key: value])
        if key == "data" {
            text = ["sets", "patchSize", "validationCount"].reduce(text) { recipeText(without: $1, of: $0) }
        }
        #expect(try reason(text) == sentence)
    }

    @Test func valuesThatMustGoTogetherAreToldWithTheirLine() throws {
        #expect(
            try reason(recipeText().replacingOccurrences(of: "steps: 2\n", with: "steps: 2001\n"))
                == "line 20: model.sampling.steps must be 1 to 2000")
        #expect(
            try reason(text(adding: "    attentionLevels: [2]", below: "    blocks"))
                == "line 18: model.network.attentionLevels must be among the levels 0 to 1")
        let schedule = try reason(recipeText(["schedule": "\"linear:1e-6\""]))
        #expect(schedule.hasPrefix("line 13: in 'model.schedule', 'linear:1e-6' is not a schedule"))
    }

    @Test func aKeyGivenTwiceIsRefused() throws {
        #expect(try reason(text(adding: "seed: 4")) == "line 4: the key 'seed' is given more than once")
        #expect(
            try reason(text(adding: "  \"patchSize\": 64", below: "data:"))
                == "line 6: the key 'patchSize' is given more than once")
    }

    @Test func brokenYAMLIsToldWithItsLine() throws {
        #expect(try reason("name: x\nseed: [1\n").hasPrefix("line 3: it is not valid YAML ("))
        #expect(try reason("name: x\n\tb: y\n").hasPrefix("line 2: it is not valid YAML ("))
        #expect(try reason("name: a\nseed: \u{1}\n").hasPrefix("line 2: it is not valid YAML ("))
        #expect(try reason("") == "it is empty")
        #expect(try reason("- a\n") == "it is not a mapping of keys")
        #expect(try reason("a: 1\n---\nb: 2\n").hasPrefix("line 2: it is not valid YAML ("))
    }

    @Test func aRecipeOfALaterVersionIsRefusedWithWhatIsUnderstood() throws {
        #expect(try Recipe(yaml: "version: 1\n" + recipeText(), path: "r.yaml").name == "tiny")
        #expect(
            try reason("version: 2\nnovelty: 1\n" + recipeText())
                == "line 1: it is a recipe of version 2, and this program understands version 1: use a newer restore"
        )
        #expect(
            try reason("version: two\n" + recipeText())
                == "line 1: 'version' is 'two', and must be 1")
    }

    @Test(arguments: [
        ("lerningRate", "learningRate"), ("LEARNINGRATE", "learningRate"), ("btachSize", "batchSize"),
        ("batchsizes", "batchSize"), ("stpes", "steps"), ("zzz", nil), ("", nil),
    ])
    func theNearestNameIsFound(word: String, name: String?) {
        #expect(NearestName.of(word, among: ["learningRate", "batchSize", "steps"]) == name)
    }
}
