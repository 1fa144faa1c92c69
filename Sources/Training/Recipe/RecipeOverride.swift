import Yams

/// `KEY=VALUE` beside a recipe: a path of keys with dots, and a value in YAML.
struct RecipeOverride {
    let text: String
    let path: [String]
    let value: Node

    private static var emptyMapping: Node { .mapping(Node.Mapping([])) }

    init(_ text: String) throws(RecipeProblem) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !path.contains(""), path.count <= 16 else {
            throw RecipeProblem(reason: "write KEY=VALUE, for example optimizer.learningRate=3e-4")
        }
        self.text = text
        self.path = path
        do throws(RecipeProblem) {
            value = try RecipeTree.read(parts[1])?.withoutMarks ?? Node("null", .implicit, .plain)
        } catch { throw RecipeProblem(reason: error.reason) }
    }

    func apply(to root: inout Node) throws(RecipeProblem) { try set(in: &root, path[...]) }

    private func set(in node: inout Node, _ rest: ArraySlice<String>) throws(RecipeProblem) {
        guard let key = rest.first else {
            node = value
            return
        }
        let above = Array(path[..<rest.startIndex])
        if above == ["budget"], let text = node.scalar?.string, let long = Recipe.Budget.mapping(of: text) {
            node = long
        }
        switch node {
        case .mapping(var mapping):
            let index = mapping.firstIndex { $0.key.scalar?.string == key }
            var inner = index.map { mapping[$0].value } ?? Self.emptyMapping
            if inner.isNull, rest.count > 1 { inner = Self.emptyMapping }
            try set(in: &inner, rest.dropFirst())
            if let index {
                mapping[index].value = inner
            } else {
                mapping = Node.Mapping(mapping.map { ($0.key, $0.value) } + [(Node(key), inner)])
            }
            // Two names of one quantity: the new one counts.
            let other = above == ["budget"] ? ["time": "minutes", "minutes": "time"][key] : nil
            let kept = mapping.filter { other == nil || $0.key.scalar?.string != other }
            node = Node(kept.map { ($0.key, $0.value) }, .implicit, mapping.style)
        case .sequence(var sequence):
            guard let index = Int(key), sequence.indices.contains(index) else { throw nowhere(above) }
            try set(in: &sequence[index], rest.dropFirst())
            node = .sequence(sequence)
        case .scalar, .alias: throw nowhere(above)
        }
    }

    private func nowhere(_ above: [String]) -> RecipeProblem {
        RecipeProblem(reason: "'\(above.joined(separator: "."))' has no key '\(path[above.count].shortened)'")
    }
}

extension Node {
    /// The same nodes as if they stood in no file.
    fileprivate var withoutMarks: Node {
        switch self {
        case .scalar(var scalar):
            scalar.mark = nil
            return .scalar(scalar)
        case .mapping(let mapping):
            let pairs = mapping.map { ($0.key.withoutMarks, $0.value.withoutMarks) }
            return .mapping(Node.Mapping(pairs, mapping.tag, mapping.style))
        case .sequence(let sequence):
            return .sequence(
                Node.Sequence(sequence.map(\.withoutMarks), sequence.tag, sequence.style))
        case .alias: return self
        }
    }
}
