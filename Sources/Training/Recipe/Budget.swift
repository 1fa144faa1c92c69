import Yams

extension Recipe {
    /// When a run ends, and what it does now and then. Written as a mapping, or in short as a time
    /// (`9m`) or a number of steps (`20000 steps`).
    public struct Budget: Sendable, Decodable, Equatable {
        /// Optimiser steps at most; `Int.max` for no limit but the time.
        public var steps: Int
        /// Minutes of training at most, validation included; absent for no limit.
        public var minutes: Double?
        /// Minutes between checkpoints and between validations.
        public var checkpointMinutes: Double
        public var validationMinutes: Double

        /// Minutes between checkpoints, or validations, of a recipe that does not say.
        static let standardMinutes = 5.0
        static let largestStepCount = 1_000_000_000_000

        private enum CodingKeys: String, CodingKey {
            case steps, time, minutes, checkpointMinutes, validationMinutes
        }

        /// - Throws: ``DataError`` for a short form that is none.
        public init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                guard let short = Self.short(text) else {
                    throw DataError("'\(text)' is neither a time nor a number of steps")
                }
                self = short
                return
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            func minutes(_ key: CodingKeys) throws -> Double? {
                try values.decodeIfPresent(Double.self, forKey: key)
            }
            steps = try values.decodeIfPresent(Int.self, forKey: .steps) ?? .max
            let time = try values.decodeIfPresent(String.self, forKey: .time)
            self.minutes = try time.flatMap(RecipeTime.minutes) ?? minutes(.minutes)
            checkpointMinutes = try minutes(.checkpointMinutes) ?? Self.standardMinutes
            validationMinutes = try minutes(.validationMinutes) ?? Self.standardMinutes
        }

        private init(steps: Int = .max, minutes: Double? = nil) {
            self.steps = steps
            self.minutes = minutes
            checkpointMinutes = Self.standardMinutes
            validationMinutes = Self.standardMinutes
        }

        /// The budget of a short form, or nil.
        static func short(_ text: String) -> Budget? {
            if let minutes = RecipeTime.minutes(parsing: text) { return Budget(minutes: minutes) }
            return steps(parsing: text).map { Budget(steps: $0) }
        }

        /// For editors.
        static let pattern = "^(?=.)(\(RecipeTime.pattern)|[1-9][0-9]* steps?)$"

        /// N of `N steps`.
        private static func steps(parsing text: String) -> Int? {
            let words = text.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 2, ["steps", "step"].contains(words[1]), words[0].allSatisfy(\.isASCII),
                words[0].first?.isNumber == true, let count = Int(words[0]),
                (1...largestStepCount).contains(count)
            else { return nil }
            return count
        }

        /// A short form as the mapping it stands for, so that single keys can be set in it.
        static func mapping(of text: String) -> Node? {
            if RecipeTime.minutes(parsing: text) != nil { return .mapping(["time": Node(text)]) }
            return steps(parsing: text).map { .mapping(["steps": Node("\($0)")]) }
        }
    }
}
