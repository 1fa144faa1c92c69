/// Which texts are allowed.
struct TextRule: Sendable {
    /// What it must be, as in "must be PHRASE".
    var phrase: String
    /// A regular expression for editors, of ECMA-262.
    var pattern: String?
    var limit: Int?
    /// Nil for a text that is fine, else a sentence, or "" where ``phrase`` says it all.
    var problem: @Sendable (String) -> String?

    init(
        _ phrase: String, pattern: String? = nil, limit: Int? = nil,
        problem: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.phrase = phrase
        self.pattern = pattern
        self.limit = limit
        self.problem = problem
    }
}
