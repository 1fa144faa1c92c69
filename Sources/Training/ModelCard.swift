import Foundation

/// How a model's card, and a checkpoint that becomes one, names data sets.
enum ModelCard {
    static let setsKey = "training_sets"

    static func text(ofSets names: [String]) -> String { names.joined(separator: ", ") }

    static func sets(in text: String?) -> [String] {
        (text ?? "").components(separatedBy: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
    }
}

extension Recipe.DataSettings {
    /// All that a model learns from by its recipe: photographs and frames.
    var allSets: [String] { sets + (frames.map { [$0] } ?? []) }
}

extension [String] {
    /// These, and of others what is not among them.
    func withFurther(_ others: [String]) -> [String] { self + others.filter { !contains($0) } }
}
