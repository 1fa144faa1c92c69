import Yams

/// Which keys a mapping has.
struct MappingRule: Sendable {
    /// One key.
    struct Field: Sendable {
        var name: String
        var value: ValueRule
        var isRequired: Bool
        /// Whether null stands for an absent key.
        var acceptsNull: Bool
        /// What an absent key means.
        var standard: JSONText?
        var description: String

        static func required(_ name: String, _ value: ValueRule, _ description: String) -> Field {
            Field(
                name: name, value: value, isRequired: true, acceptsNull: false, standard: nil,
                description: description)
        }

        static func optional(
            _ name: String, _ value: ValueRule, _ description: String, standard: JSONText? = nil,
            acceptsNull: Bool = true
        ) -> Field {
            Field(
                name: name, value: value, isRequired: false, acceptsNull: acceptsNull, standard: standard,
                description: description)
        }
    }

    /// Its name among the definitions of the JSON Schema.
    var definition: String
    var fields: [Field]
    /// Exactly one of the keys must be there.
    var isChoice = false
    /// At least one of these must be there.
    var alternatives: [String] = []
    /// Two of them that say the same, so that only one may be there.
    var synonyms: [String] = []
    /// What the keys by themselves do not say.
    var check: @Sendable (Node) throws -> Void = { _ in }

    func field(_ name: String) -> Field? { fields.first { $0.name == name } }

    /// Whether a path of keys leads anywhere.
    func knows(_ path: some Collection<String>) -> Bool {
        guard let name = path.first else { return true }
        guard let field = field(name) else { return false }
        let rest = path.dropFirst()
        return rest.isEmpty || field.value.mapping?.knows(rest) == true
    }

    /// Every path of keys, parents before children.
    var paths: [[String]] {
        fields.flatMap { field in
            [[field.name]] + (field.value.mapping?.paths ?? []).map { [field.name] + $0 }
        }
    }
}
