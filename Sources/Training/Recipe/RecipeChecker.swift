import Foundation
import Yams

/// Compares the nodes of a recipe with ``RecipeSchema``, so that what is wrong is told with its line.
struct RecipeChecker {
    let task: String
    let recipe: MappingRule

    /// - Throws: the first problem of the recipe.
    static func check(_ root: Node) throws(RecipeProblem) {
        guard case .mapping(let mapping) = root else {
            throw RecipeProblem(reason: "it is not a mapping of keys")
        }
        try checkVersion(mapping)
        let task = mapping.value("task")
        // Without a task the keys of any are known.
        let name = task?.scalar?.string ?? RecipeSchema.tasks[0]
        guard RecipeSchema.tasks.contains(name) else {
            throw RecipeProblem(
                reason: "'\(name.shortened)' is not a task: use \(RecipeSchema.tasks.alternatives)",
                line: task?.mark?.line, path: ["task"])
        }
        let checker = RecipeChecker(task: name, recipe: RecipeSchema.recipe(of: name))
        try checker.check(root, .mapping(checker.recipe), [], nil)
    }

    private static func checkVersion(_ mapping: Node.Mapping) throws(RecipeProblem) {
        guard let scalar = mapping.value("version")?.scalar, let version = UInt64(scalar.string),
            version > RecipeSchema.version
        else { return }
        throw RecipeProblem(
            reason: "it is a recipe of version \(version), and this program understands version "
                + "\(RecipeSchema.version): use a newer restore", line: scalar.mark?.line, path: ["version"])
    }

    /// - Parameters:
    ///   - path: keys down to the node.
    ///   - line: of its key.
    private func check(_ node: Node, _ rule: ValueRule, _ path: [String], _ line: Int?) throws(RecipeProblem)
    {
        guard node.hasNoTag else {
            throw RecipeProblem(
                reason: "\(place(path)) has a tag, which recipes do not have: leave '!…' out", line: line,
                path: path)
        }
        func wrong(_ problem: String = "") -> RecipeProblem {
            RecipeProblem(
                reason: problem.isEmpty
                    ? "\(place(path)) \(shown(node)), and must be \(rule.phrase)\(suggestion(node, rule))"
                    : problem,
                line: node.scalar?.mark?.line ?? line, path: path)
        }
        switch rule {
        case .mapping(let rule):
            guard case .mapping(let mapping) = node else { throw wrong() }
            try check(mapping, rule, path, line)
        case .shorthand(let text, let rule):
            if case .mapping(let mapping) = node {
                try check(mapping, rule, path, line)
            } else {
                guard let scalar = node.scalar, text.problem(scalar.string) == nil else { throw wrong() }
            }
        case .list(let element, let count):
            guard case .sequence(let sequence) = node, count.contains(sequence.count) else { throw wrong() }
            for (index, one) in sequence.enumerated() {
                try check(one, element, path + ["\(index)"], one.mark?.line ?? line)
            }
        case .interval(let range):
            guard case .sequence(let sequence) = node, sequence.count == 2,
                let low = sequence[0].number, let high = sequence[1].number, range.contains(low),
                range.contains(high), low <= high
            else { throw wrong() }
        case .text(let rule):
            guard let text = node.scalar?.string, !node.isNull else { throw wrong() }
            if let problem = rule.problem(text) {
                throw wrong(problem.isEmpty ? "" : "in \(place(path)), \(problem)")
            }
        case .name(let names):
            guard let text = node.scalar?.string, names.contains(text) else { throw wrong() }
        case .boolean: guard node.bool != nil else { throw wrong() }
        case .integer(let range, let factor):
            guard let value = node.whole, range.contains(value), value % factor == 0 else { throw wrong() }
        case .size(let values):
            guard let value = node.whole, values.contains(where: { UInt64($0) == value }) else {
                throw wrong()
            }
        case .number(let range):
            guard let value = node.number, range.contains(value) else { throw wrong() }
        }
    }

    private func check(_ mapping: Node.Mapping, _ rule: MappingRule, _ path: [String], _ line: Int?)
        throws(RecipeProblem)
    {
        func isThere(_ name: String) -> Bool { mapping.value(name).map { !$0.isNull } ?? false }
        for (key, value) in mapping {
            let keyLine = key.mark?.line
            guard let name = key.scalar?.string, key.hasNoTag else {
                throw RecipeProblem(
                    reason: "\(path.isEmpty ? "it" : place(path)) has a key that is not plain text",
                    line: keyLine ?? line, path: path)
            }
            guard let field = rule.field(name) else {
                throw RecipeProblem(
                    reason: unknown(name, in: rule, path), line: keyLine, path: path + [name])
            }
            if value.isNull, field.acceptsNull { continue }
            try check(value, field.value, path + [name], keyLine)
        }
        func incomplete(_ reason: String) -> RecipeProblem {
            RecipeProblem(reason: reason, line: line, path: path)
        }
        if let field = rule.fields.first(where: { $0.isRequired && mapping.value($0.name) == nil }) {
            throw incomplete("the key '\((path + [field.name]).joined(separator: "."))' is missing")
        }
        if !rule.alternatives.isEmpty, !rule.alternatives.contains(where: isThere) {
            throw incomplete("\(place(path)) needs \(rule.alternatives.alternatives)")
        }
        if !rule.synonyms.isEmpty, rule.synonyms.allSatisfy(isThere) {
            throw incomplete("\(place(path)) has both \(rule.synonyms.joined(separator: " and ")): give one")
        }
        if rule.isChoice, mapping.count != 1 {
            throw incomplete(
                "\(place(path)) must have exactly one of \(rule.fields.map(\.name).alternatives)")
        }
        do { try rule.check(.mapping(mapping)) } catch {
            throw together(error, mapping, path, line)
        }
    }

    /// Values that do not go together. What the types themselves say starts with the key's name.
    private func together(_ error: any Error, _ mapping: Node.Mapping, _ path: [String], _ line: Int?)
        -> RecipeProblem
    {
        guard !(error is DecodingError) else {
            return RecipeProblem(reason: "\(place(path)) cannot be understood", line: line, path: path)
        }
        let word = "\(error)".prefix { $0 != " " }
        let names = word.split(separator: ".").map(String.init)
        guard let index = names.firstIndex(where: { mapping.value($0) != nil }) else {
            return RecipeProblem(reason: "in \(place(path)), \(error)", line: line, path: path)
        }
        let whole = path + names[index...]
        let key = mapping.first { $0.key.scalar?.string == names[index] }?.key
        return RecipeProblem(
            reason: whole.joined(separator: ".") + "\(error)".dropFirst(word.count), line: key?.mark?.line,
            path: whole)
    }

    // MARK: words

    private func place(_ path: [String]) -> String {
        path.isEmpty ? "it" : "'\(path.joined(separator: "."))'"
    }

    private func shown(_ node: Node) -> String {
        switch node {
        case .mapping: "is a mapping of keys"
        case .sequence(let sequence):
            sequence.allSatisfy { $0.scalar != nil }
                ? "is [\(sequence.compactMap(\.scalar?.string).joined(separator: ", "))]".shortened
                : "is a list"
        case .scalar(let scalar): node.isNull ? "has no value" : "is '\(scalar.string.shortened)'"
        case .alias: "is an alias"
        }
    }

    private func suggestion(_ node: Node, _ rule: ValueRule) -> String {
        guard case .name(let names) = rule, let text = node.scalar?.string,
            let near = NearestName.of(text, among: names)
        else { return "" }
        return ", did you mean \(near)?"
    }

    private func unknown(_ name: String, in rule: MappingRule, _ path: [String]) -> String {
        let here = path + [name]
        let text = "'\(here.joined(separator: ".").shortened)' is not a known key"
        // Indices of lists are no keys.
        let keys = here.filter { Int($0) == nil }
        let others = RecipeSchema.tasks.filter { $0 != task && RecipeSchema.recipe(of: $0).knows(keys) }
        if !others.isEmpty { return "\(text) of task \(task), only of \(others.alternatives)" }
        if let near = NearestName.of(name, among: rule.fields.map(\.name)) {
            return "\(text), did you mean '\((path + [near]).joined(separator: "."))'?"
        }
        // The one that is least deep is the most likely.
        if let elsewhere = recipe.paths.filter({ $0.last == name }).min(by: { $0.count < $1.count }) {
            return "\(text), did you mean '\(elsewhere.joined(separator: "."))'?"
        }
        let names = rule.fields.map(\.name)
        let known = names.isEmpty ? "there are none" : "there are \(names.joined(separator: ", "))"
        return path.isEmpty ? "\(text): \(known)" : "\(text) of \(place(path)): \(known)"
    }
}
