import Testing

@testable import Training

/// Text from strangers gives one plain sentence, and soon.
struct HostileRecipeTests {
    private func refusal(_ text: String) throws -> String {
        let error = try #require(throws: RecipeError.self) { try Recipe(yaml: text, path: "r.yaml") }
        #expect(!error.description.unicodeScalars.contains { $0.properties.generalCategory == .control })
        #expect(error.description.count < 600)
        return error.reason
    }

    /// Nine levels of nine aliases are 387 million values.
    private func bomb(_ end: String) -> String {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let parts = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(parts)]\n"
        }
        return text + end
    }

    @Test func aliasesAreNotFollowed() throws {
        for end in ["name: *a9\n", "? *a9\n: x\n", "? [*a9, *a9]\n: x\n? [*a9]\n: y\n"] {
            #expect(try refusal(bomb(end)).hasPrefix("line 2: '*a0' stands for another value"))
        }
        #expect(try refusal("&x name: tiny\ncopy: *x\n").hasPrefix("line 2: '*x' stands"))
        #expect(try refusal("name: *unknown\n").hasPrefix("line 1: it is not valid YAML"))
    }

    @Test func ampersandsAndStarsInTextAreText() throws {
        let text = recipeText(["description": "R&D of *fast* models & more, a*b&c"])
        #expect(try Recipe(yaml: text, path: "r.yaml").description == "R&D of *fast* models & more, a*b&c")
    }

    @Test(arguments: [
        String(repeating: "[", count: 30_000), String(repeating: "{a: ", count: 10_000),
        String(repeating: "? ", count: 20_000), String(repeating: "- ", count: 20_000),
        "name: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
    ])
    func deepNestingIsRefused(text: String) throws {
        #expect(!(try refusal(text)).isEmpty)
    }

    @Test func deepKeysAreRefused() throws {
        let end = "[" + String(repeating: "x, ", count: 15_000) + "]\n"
        for start in ["? ", "{? ", "- ? ", "?\t", "[?"] {
            let reason = try refusal(String(repeating: start, count: 400) + end)
            #expect(reason.contains("it has keys that are not plain text"), "\(start)")
        }
        let questions = recipeText(["description": "\"why ? how ? really??? \""])
        #expect(try Recipe(yaml: questions, path: "r.yaml").description == "why ? how ? really??? ")
        #expect(try refusal("? [a, b]\n: c\n").hasPrefix("line 1: it has a key that is not plain text"))
        #expect(try refusal("{? {a: b} : c}\n").hasPrefix("line 1: it has a key that is not plain text"))
    }

    @Test func hugeTextsAreRefused() throws {
        #expect(try refusal("name: " + String(repeating: "x", count: 1 << 20)) == "it is longer than 64 KiB")
        let long = String(repeating: "y", count: 60_000)
        #expect(try refusal(recipeText(["name": long])).contains("must be 1 to 100 letters"))
        #expect(try refusal(recipeText() + long + ": 1\n").contains("it is not valid YAML"))
        #expect(try refusal(recipeText() + "? \(long)\n: 1\n").contains("is not a known key"))
        #expect(try refusal(recipeText(["loss": long])).contains("must be l1 or l2"))
        let many = (0..<5000).map { "k\($0): 1" }.joined(separator: "\n")
        #expect(try refusal(many).contains("is not a known key"))
    }

    @Test(arguments: [
        ".nan", ".inf", "-.inf", ".NaN", "nan", "inf", "infinity", "0x1p3", "1e999", "-1e999", "1_0", "0x10",
        "1:30", "9999999999:9999999999:9999999999:99", "99999999999999999999999999",
        "1:1:1:1:1:1:1:1:1:1:1:1:1:1",
        "١٢", "--1", "1-1", "e", ".", "+", "2008-02-30", "!!float 1", "!!binary aGk=", "true", "~",
    ])
    func numbersThatAreNoneAreRefused(number: String) throws {
        for key in ["learningRate", "batchSize", "seed", "steps", "checkpointMinutes", "baseWidth"] {
            let isNothing = number == "~" && ["checkpointMinutes", "baseWidth"].contains(key)
            guard !isNothing else { continue }
            #expect(try refusal(recipeText([key: number])).hasPrefix("line "), "\(key): \(number)")
        }
    }

    @Test func controlCharactersDoNotReachTheTerminal() throws {
        for key in ["\"a\\e[31m\\n\\0b\"", "\"\\u202E\\u0085\"", "\"\\x07\""] {
            #expect(try refusal(recipeText() + "\(key): 1\n").contains("is not a known key"))
            #expect(try refusal(recipeText(["task": key])).contains("is not a task"))
        }
    }

    @Test func mergeKeysAndTagsAreRefused() throws {
        #expect(try refusal(recipeText() + "<<: {seed: 4}\n").contains("'<<' is not a known key"))
        #expect(try refusal(recipeText(["sets": "!!set {a}"])).contains("has a tag"))
        #expect(try refusal("!!map " + "{name: a}\n").contains("has a tag"))
    }
}
