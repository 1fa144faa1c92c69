/// The tensors of a checkpoint under their dotted paths: `{"params": {"a.weight": t}}`
/// gives `params.a.weight`. Items of lists and tuples count from 0; all that is not a tensor
/// is passed over.
struct StateDictionary {
    static let maximumDepth = 32
    static let maximumNodeCount = 1 << 20
    /// The longest dotted path, in bytes of UTF-8.
    static let maximumPathCount = 4096

    private(set) var tensors: [String: PickledTensor] = [:]
    private var nodeCount = 0

    /// - Throws: a `.malformed` or `.unsupported` defect.
    init(_ root: PickleValue) throws(FileDefect) {
        guard case .dictionary = root else {
            throw .unsupported("it does not hold a dictionary of tensors")
        }
        try visit(root, path: "", depth: 0)
    }

    private mutating func visit(_ value: PickleValue, path: String, depth: Int) throws(FileDefect) {
        // A pickle may contain itself, or one part many times over.
        nodeCount += 1
        guard nodeCount <= Self.maximumNodeCount, depth <= Self.maximumDepth else {
            throw .unsupported("its dictionaries are too large or too deep, or contain themselves")
        }
        switch value {
        case .tensor(let tensor):
            guard tensors.updateValue(tensor, forKey: path) == nil else {
                throw .malformed("it has two tensors called \(quoted(path))")
            }
        case .dictionary(let dictionary):
            for (key, value) in dictionary.members {
                guard let name = Self.name(of: key) else {
                    throw .unsupported(
                        "it has a dictionary whose keys are neither text nor numbers")
                }
                guard path.utf8.count + name.utf8.count < Self.maximumPathCount else {
                    throw .unsupported("it has a dictionary with overlong keys")
                }
                try visit(value, path: path.isEmpty ? name : path + "." + name, depth: depth + 1)
            }
        case .list(let list):
            try visit(list.items, path: path, depth: depth)
        case .tuple(let items, _):
            try visit(items, path: path, depth: depth)
        case .none, .bool, .integer, .real, .string, .global, .storage:
            break
        }
    }

    private mutating func visit(_ items: [PickleValue], path: String, depth: Int) throws(FileDefect) {
        for (index, item) in items.enumerated() {
            try visit(item, path: path + "." + String(index), depth: depth + 1)
        }
    }

    private static func name(of key: PickleValue) -> String? {
        switch key {
        case .string(let text): text
        case .integer(let number): String(number)
        case .bool(let flag): flag ? "True" : "False"
        case .real(let number): String(number)
        default: nil
        }
    }
}
