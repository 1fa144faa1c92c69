import Diffusion
import Foundation
import Testing
import Yams

@testable import Training

struct RecipeSchemaTests {
    private func schema() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(RecipeSchema.json.utf8))
        return try #require(object as? [String: Any])
    }

    /// `restore train --schema > Recipes/recipe.schema.json` remakes it.
    @Test func thePublishedSchemaIsWhatTheCodeMakes() throws {
        let published = try String(contentsOfFile: "\(Package.recipes)/recipe.schema.json", encoding: .utf8)
        #expect(published == RecipeSchema.json)
    }

    @Test func everyRecipeNamesTheSchemaForEditors() throws {
        for path in try Package.yamlFiles(in: Package.recipes) {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.hasPrefix("# yaml-language-server: $schema=recipe.schema.json\n"), "\(path)")
        }
    }

    @Test func referencesLeadSomewhereAndNothingIsLeftOver() throws {
        let schema = try schema()
        let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
        var named: Set<String> = []
        func visit(_ value: Any) {
            if let list = value as? [Any] { list.forEach(visit) }
            guard let object = value as? [String: Any] else { return }
            if let reference = object["$ref"] as? String {
                named.insert(String(reference.dropFirst("#/$defs/".count)))
            }
            object.values.forEach(visit)
        }
        visit(schema)
        #expect(named == Set(definitions.keys))
        for (name, definition) in definitions {
            #expect(definition["additionalProperties"] as? Bool == false, "\(name)")
            let keys = try #require(definition["properties"] as? [String: [String: Any]])
            #expect(keys.values.allSatisfy { ($0["description"] as? String)?.isEmpty == false }, "\(name)")
        }
        let recipe = try #require(definitions["recipe-deblur"])
        #expect((recipe["required"] as? [String])?.contains("degradation") == true)
        #expect((definitions["recipe-sr3"]?["required"] as? [String])?.contains("degradation") == false)
    }

    /// The schema's limits are those of the types that are read.
    @Test func limitsAreTheTypesOwn() throws {
        let model = try #require(RecipeSchema.recipe(of: "sr3").field("model")?.value.mapping)
        let network = try #require(model.field("network")?.value.mapping)
        let sampling = try #require(model.field("sampling")?.value.mapping)
        func accepts<Value: Decodable>(_ type: Value.Type, _ yaml: String, _ check: (Value) throws -> Void)
            -> Bool
        {
            do {
                try check(try YAMLDecoder().decode(type, from: yaml))
                return true
            } catch { return false }
        }
        func acceptsNetwork(_ key: String, _ value: Any) -> Bool {
            accepts(UNetConfiguration.self, "\(key): \(value)\n") { try $0.validate() }
        }
        let base = ["method": "ddim", "steps": "1", "eta": "0", "variance": "1", "temperature": "1"]
        func acceptsSampling(_ key: String, _ value: Any) -> Bool {
            let lines = base.merging([key: "\(value)"]) { $1 }.map { "\($0): \($1)\n" }.joined()
            return accepts(SamplingDefaults.self, lines + "schedule: cosine:100000\n") { try $0.validate() }
        }
        var compared = 0
        for (rule, accepts) in [(network, acceptsNetwork), (sampling, acceptsSampling)] {
            for field in rule.fields {
                switch field.value {
                case .integer(let range, let factor):
                    compared += 1
                    #expect(
                        accepts(field.name, range.lowerBound) && accepts(field.name, range.upperBound),
                        "\(field.name)")
                    #expect(!accepts(field.name, Int(range.lowerBound) - Int(factor)), "\(field.name)")
                    #expect(!accepts(field.name, range.upperBound + factor), "\(field.name)")
                    #expect(factor == 1 || !accepts(field.name, range.lowerBound + 1), "\(field.name)")
                case .size(let values):
                    compared += 1
                    #expect(values == (0...16).filter { accepts(field.name, $0) }, "\(field.name)")
                case .number(let range):
                    compared += 1
                    for value in [-1e-9, 0, 1e-9, 0.5, 1 - 1e-9, 1, 1 + 1e-9, 2, 2 + 1e-9] {
                        #expect(accepts(field.name, value) == range.contains(value), "\(field.name) \(value)")
                    }
                case .name(let names):
                    compared += 1
                    #expect(names.allSatisfy { accepts(field.name, $0) } && !accepts(field.name, "other"))
                default: break
                }
            }
        }
        #expect(compared == 17)
    }

    @Test func jsonIsWrittenWithItsKeysInOrder() throws {
        let value = JSONText.object([
            ("b", .array([.integer(1), .number(0.5), .number(.nan), .number(3), .number(1e-8)])),
            ("a", .object([])), ("c", .string("\"\\\n\t\u{1}é/")), ("d", .array([.object([("x", .null)])])),
            ("e", .unsigned(.max)), ("f", .bool(true)),
        ])
        #expect(
            value.line
                == #"{"b":[1,0.5,null,3,1e-08],"a":{},"c":"\"\\\n\t\u0001é/","d":[{"x":null}],"e":18446744073709551615,"f":true}"#
        )
        let page = try JSONSerialization.jsonObject(with: Data(value.page.utf8)) as? NSDictionary
        let line = try JSONSerialization.jsonObject(with: Data(value.line.utf8)) as? NSDictionary
        #expect(page == line && page != nil)
        #expect(value.page.hasPrefix("{\n  \"b\": [1, 0.5, null, 3, 1e-08],\n  \"a\": {},\n"))
    }
}
