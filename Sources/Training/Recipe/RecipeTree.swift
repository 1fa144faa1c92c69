import Yams

/// Reads YAML from strangers into nodes that know their lines. Nothing in a text makes it crash, or
/// take more than a moment.
enum RecipeTree {
    /// Bytes; the longest recipe of this project has a twentieth of it.
    static let largestSize = 64 << 10

    /// The one document of a text; nil for an empty one.
    static func read(_ yaml: String) throws(RecipeProblem) -> Node? {
        guard yaml.utf8.count <= largestSize else {
            throw RecipeProblem(reason: "it is longer than \(largestSize >> 10) KiB")
        }
        try refuseTangles(yaml)
        do {
            // Without rules, words and merge keys are what they look like: text.
            return try Parser(yaml: yaml, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw problem(error)
        } catch { throw RecipeProblem(reason: "it is not valid YAML") }
    }

    /// What would take long is told from how it looks, before it is read. A few aliases of aliases stand
    /// for billions of values; keys within keys are compared as a whole at each depth.
    private static func refuseTangles(_ yaml: String) throws(RecipeProblem) {
        var anchors: Set<String> = []
        var questions = 0
        var line = 1
        var previous: UInt8 = 0x0A
        let bytes = Array(yaml.utf8)
        for (index, byte) in bytes.enumerated() {
            defer { previous = byte }
            switch byte {
            case 0x0A: line += 1
            case UInt8(ascii: "?") where isBeforeToken(previous):
                questions += 1
                guard questions <= largestQuestionCount else {
                    throw RecipeProblem(reason: "it has keys that are not plain text", line: line)
                }
            case UInt8(ascii: "&") where !isNameByte(previous), UInt8(ascii: "*") where !isNameByte(previous):
                let name = String(decoding: bytes[(index + 1)...].prefix(while: isNameByte), as: UTF8.self)
                guard !name.isEmpty else { continue }
                if byte == UInt8(ascii: "&") {
                    anchors.insert(name)
                } else if anchors.contains(name) {
                    throw RecipeProblem(
                        reason: "'*\(name.shortened)' stands for another value, which recipes do not have: "
                            + "write it out", line: line)
                }
            default: break
            }
        }
    }

    /// Question marks that may be YAML's sign for a key; text may have a few that look like it.
    private static let largestQuestionCount = 16

    private static func isBeforeToken(_ byte: UInt8) -> Bool { byte <= 0x20 || "?[{,:-".utf8.contains(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func problem(_ error: YamlError) -> RecipeProblem {
        func invalid(_ problem: String, _ line: Int?) -> RecipeProblem {
            RecipeProblem(reason: "it is not valid YAML (\(problem))", line: line)
        }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return invalid(problem, mark.line)
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { offset in 1 + yaml.prefix(offset).count { $0.isNewline } }
            return invalid(problem, line)
        case .duplicatedKeysInMapping(let keys, let context):
            return RecipeProblem(
                reason: "the key '\((keys.first ?? "").shortened)' is given more than once",
                line: context.mark.line)
        default: return RecipeProblem(reason: "it is not valid YAML")
        }
    }
}

extension String {
    /// What a message shows of a text.
    var shortened: String { count <= 60 ? self : prefix(57) + "…" }
}
