import Foundation
import Yams

/// A recipe with the text that says the same: what a run keeps with its weights.
public struct ResolvedRecipe: Sendable {
    public let recipe: Recipe
    /// The file as it was read; where values were overridden, YAML with those values and no comments.
    public let text: String

    /// - Parameter overrides: `KEY=VALUE` each, applied in their order: keys with dots between them,
    ///   and a value in YAML.
    /// - Throws: ``RecipeError`` naming the file, and the line or the override that is wrong.
    public init(path: String, overrides: [String] = []) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RecipeError(path: path, reason: "it cannot be read", kind: .missing)
        }
        try self.init(yaml: String(decoding: data, as: UTF8.self), path: path, overrides: overrides)
    }

    /// - Parameter path: the file's name, for messages.
    public init(yaml: String, path: String, overrides: [String] = []) throws {
        var changes: [RecipeOverride] = []
        do throws(RecipeProblem) {
            guard var root = try RecipeTree.read(yaml) else { throw RecipeProblem(reason: "it is empty") }
            for text in overrides {
                do throws(RecipeProblem) {
                    let change = try RecipeOverride(text)
                    try change.apply(to: &root)
                    changes.append(change)
                } catch {
                    throw RecipeProblem(reason: "--set \(text.shortened): \(error.reason)", path: ["--set"])
                }
            }
            try RecipeChecker.check(root)
            recipe = try Self.decoded(root)
            text = try changes.isEmpty ? yaml : Self.text(root)
        } catch {
            throw Self.error(error, path: path, changes: changes)
        }
    }

    private static func decoded(_ root: Node) throws(RecipeProblem) -> Recipe {
        let recipe: Recipe
        do { recipe = try YAMLDecoder().decode(Recipe.self, from: root) } catch {
            // The checker let through what a type then refused.
            throw RecipeProblem(reason: error is DecodingError ? "it cannot be understood" : "\(error)")
        }
        do throws(RecipeProblem) { try recipe.validate() } catch {
            throw RecipeProblem(reason: error.reason, line: root.line(of: error.path[...]), path: error.path)
        }
        return recipe
    }

    private static func text(_ root: Node) throws(RecipeProblem) -> String {
        do { return try Yams.serialize(node: root, width: -1, allowUnicode: true) } catch {
            throw RecipeProblem(reason: "it cannot be written with what --set says")
        }
    }

    /// The sentence starts with the line, or with the override that brought the value.
    private static func error(_ problem: RecipeProblem, path: String, changes: [RecipeOverride])
        -> RecipeError
    {
        if problem.path == ["--set"] {
            return RecipeError(path: path, reason: problem.reason, kind: .override)
        }
        // Keys that an override had to make have no line.
        let change = changes.last { change in
            problem.path.starts(with: change.path)
                || problem.line == nil && !problem.path.isEmpty && change.path.starts(with: problem.path)
        }
        if let change {
            return RecipeError(
                path: path, reason: "--set \(change.text.shortened): \(problem.reason)", kind: .override)
        }
        if let line = problem.line {
            return RecipeError(path: path, reason: "line \(line): \(problem.reason)", kind: .invalid)
        }
        return RecipeError(path: path, reason: problem.reason, kind: .invalid)
    }
}

extension Node {
    /// The line of the key at a path, or of the deepest key on the way there that is in the file.
    fileprivate func line(of path: ArraySlice<String>) -> Int? {
        guard let name = path.first, let pair = mapping?.first(where: { $0.key.scalar?.string == name })
        else { return nil }
        return pair.value.line(of: path.dropFirst())
            ?? (path.count == 1 ? pair.value.scalar?.mark?.line : nil)
            ?? pair.key.mark?.line
    }
}
