/// What is wrong, and where in the text.
struct RecipeProblem: Error {
    var reason: String
    /// From 1; nil where no line is to blame, or where the value did not come from the file.
    var line: Int?
    /// Keys down to the place.
    var path: [String] = []
}
