extension RecipeSchema {
    /// The JSON Schema (draft 2020-12) of recipes, for editors. One alternative for each task.
    public static var json: String {
        let rules = tasks.map { (task: $0, rule: recipe(of: $0)) }
        var definitions: [(key: String, value: JSONText)] = []
        for (_, rule) in rules { define(rule, in: &definitions) }
        let choices: [JSONText] = rules.map { task, rule in
            let condition = JSONText.object([
                ("properties", .object([("task", .object([("const", .string(task))]))])),
                ("required", .array([.string("task")])),
            ])
            return .object([("if", condition), ("then", reference(rule))])
        }
        return JSONText.object([
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("Recipe of restore")),
            ("description", .string("The whole truth of a training run.")),
            ("type", .string("object")),
            (
                "properties",
                .object([
                    (
                        "task",
                        .object([
                            ("description", .string("What is trained.")),
                            ("enum", .array(tasks.map(JSONText.string))),
                        ])
                    )
                ])
            ),
            ("required", .array([.string("task")])),
            ("allOf", .array(choices)),
            ("$defs", .object(definitions)),
        ]).page
    }

    private static func reference(_ rule: MappingRule) -> JSONText {
        .object([("$ref", .string("#/$defs/\(rule.definition)"))])
    }

    /// Adds a mapping and those in it, once each.
    private static func define(
        _ rule: MappingRule, in definitions: inout [(key: String, value: JSONText)]
    ) {
        guard !definitions.contains(where: { $0.key == rule.definition }) else { return }
        var members: [(key: String, value: JSONText)] = [
            ("type", .string("object")),
            ("properties", .object(rule.fields.map { ($0.name, property($0)) })),
            ("additionalProperties", .bool(false)),
        ]
        let required = rule.fields.filter(\.isRequired).map { JSONText.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        if rule.isChoice { members += [("minProperties", .integer(1)), ("maxProperties", .integer(1))] }
        if !rule.alternatives.isEmpty {
            let one = rule.alternatives.map { JSONText.object([("required", .array([.string($0)]))]) }
            members.append(("anyOf", .array(one)))
        }
        if !rule.synonyms.isEmpty {
            let both = JSONText.object([("required", .array(rule.synonyms.map(JSONText.string)))])
            members.append(("not", both))
        }
        definitions.append((rule.definition, .object(members)))
        for field in rule.fields {
            if let inner = field.value.mapping { define(inner, in: &definitions) }
        }
    }

    private static func property(_ field: MappingRule.Field) -> JSONText {
        var members: [(key: String, value: JSONText)] = [("description", .string(field.description))]
        if let standard = field.standard { members.append(("default", standard)) }
        let value = JSONText.object(self.members(of: field.value))
        if field.acceptsNull {
            members.append(("anyOf", .array([value, .object([("type", .string("null"))])])))
        } else {
            members += self.members(of: field.value)
        }
        return .object(members)
    }

    private static func members(of value: ValueRule) -> [(key: String, value: JSONText)] {
        switch value {
        case .text(let rule):
            var members: [(key: String, value: JSONText)] = [("type", .string("string"))]
            if let pattern = rule.pattern { members.append(("pattern", .string(pattern))) }
            if let limit = rule.limit { members.append(("maxLength", .integer(limit))) }
            return members
        case .boolean: return [("type", .string("boolean"))]
        case .integer(let range, let factor):
            var members: [(key: String, value: JSONText)] = [
                ("type", .string("integer")), ("minimum", .unsigned(range.lowerBound)),
                ("maximum", .unsigned(range.upperBound)),
            ]
            if factor > 1 { members.append(("multipleOf", .unsigned(factor))) }
            return members
        case .size(let values): return [("enum", .array(values.map(JSONText.integer)))]
        case .number(let range): return [("type", .string("number"))] + range.members
        case .name(let names): return [("enum", .array(names.map(JSONText.string)))]
        case .interval(let range):
            let bounds = NumberRange.from(range.lowerBound, to: range.upperBound)
            return members(of: .list(.number(bounds), count: 2...2))
        case .list(let element, let count):
            return [
                ("type", .string("array")), ("items", .object(members(of: element))),
                ("minItems", .integer(count.lowerBound)), ("maxItems", .integer(count.upperBound)),
            ]
        case .mapping(let rule): return [("$ref", .string("#/$defs/\(rule.definition)"))]
        case .shorthand(let text, let rule):
            return [("anyOf", .array([.object(members(of: .text(text))), reference(rule)]))]
        }
    }
}

extension NumberRange {
    /// As JSON Schema's keywords.
    fileprivate var members: [(key: String, value: JSONText)] {
        var members: [(key: String, value: JSONText)] = []
        switch low {
        case .none: break
        case .including(let bound): members.append(("minimum", .number(bound)))
        case .excluding(let bound): members.append(("exclusiveMinimum", .number(bound)))
        }
        switch high {
        case .none: break
        case .including(let bound): members.append(("maximum", .number(bound)))
        case .excluding(let bound): members.append(("exclusiveMaximum", .number(bound)))
        }
        return members
    }
}
