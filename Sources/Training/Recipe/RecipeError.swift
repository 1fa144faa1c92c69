/// What is wrong with a recipe.
public struct RecipeError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable {
        case missing, invalid
        /// A value given beside the recipe, by `--set`.
        case override
    }
    public let path: String
    public let reason: String
    public let kind: Kind

    /// - Parameter reason: may quote the file; control characters and invisible ones in it become spaces,
    ///   so that the description stays one line that reads as it is.
    init(path: String, reason: String, kind: Kind) {
        self.path = path
        self.reason = String(
            String.UnicodeScalarView(
                reason.unicodeScalars.map {
                    switch $0.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: " "
                    default: $0
                    }
                }))
        self.kind = kind
    }

    public var description: String { "the recipe '\(path)' cannot be used: \(reason)" }
}
