import Deblur
import Degradation
import Diffusion
import Foundation
import SR3
import Tensors
import Yams

/// The whole truth of a training run, read from YAML: data, degradation, network, schedule,
/// objective, optimiser, budget.
public struct Recipe: Sendable, Decodable, Equatable {
    /// The model's name, for example `sr3-x4`.
    public var name: String
    public var description: String
    /// Under what terms the weights may be used; kept in the model's card.
    public var licence: String?
    public var seed: UInt64
    public var data: DataSettings
    /// The task with its model.
    public var task: Task
    public var objective: ObjectiveSettings
    public var optimizer: OptimizerSettings
    public var budget: Budget

    /// What is trained: `task` names it, `model` and `degradation` describe it.
    public enum Task: Sendable, Equatable {
        /// Without a degradation LR pictures are made by antialiased bicubic.
        case sr3(SR3Configuration, SecondOrderDegradation?)
        case deblur(DeblurConfiguration, BlurDegradation)

        /// As recipes write it.
        public var name: String {
            switch self {
            case .sr3: "sr3"
            case .deblur: "deblur"
            }
        }
    }

    public struct Budget: Sendable, Codable, Equatable {
        /// Optimiser steps at most.
        public var steps: Int
        /// Minutes of training at most, validation included; absent for no limit.
        public var minutes: Double?
        /// Minutes between checkpoints and between validations.
        public var checkpointMinutes: Double
        public var validationMinutes: Double
    }

    private enum CodingKeys: String, CodingKey {
        case name, description, licence, task, seed, data, model, degradation, objective, optimizer,
            budget
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        description = try values.decode(String.self, forKey: .description)
        licence = try values.decodeIfPresent(String.self, forKey: .licence)
        seed = try values.decode(UInt64.self, forKey: .seed)
        data = try values.decode(DataSettings.self, forKey: .data)
        switch try values.decode(String.self, forKey: .task) {
        case "sr3":
            task = .sr3(
                try values.decode(SR3Configuration.self, forKey: .model),
                try values.decodeIfPresent(SecondOrderDegradation.self, forKey: .degradation))
        case "deblur":
            task = .deblur(
                try values.decode(DeblurConfiguration.self, forKey: .model),
                try values.decode(BlurDegradation.self, forKey: .degradation))
        case let other: throw DataError("'\(other)' is not a task: use sr3 or deblur")
        }
        objective = try values.decode(ObjectiveSettings.self, forKey: .objective)
        optimizer = try values.decode(OptimizerSettings.self, forKey: .optimizer)
        budget = try values.decode(Budget.self, forKey: .budget)
    }

    /// - Throws: ``RecipeError`` naming the file and what is wrong in it.
    public init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RecipeError(path: path, reason: "it cannot be read", kind: .missing)
        }
        try self.init(yaml: String(decoding: data, as: UTF8.self), path: path)
    }

    public init(yaml: String, path: String) throws {
        do {
            self = try YAMLDecoder().decode(Recipe.self, from: yaml)
        } catch let error as DecodingError {
            throw RecipeError(path: path, reason: Self.sentence(error), kind: .invalid)
        } catch let error as DataError {
            throw RecipeError(path: path, reason: "\(error)", kind: .invalid)
        } catch {
            throw RecipeError(path: path, reason: "it is not valid YAML", kind: .invalid)
        }
        try validate(path: path)
    }

    private static func sentence(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            context.codingPath.map(\.stringValue).joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            let parent = place(context)
            return "the key '\(parent.isEmpty ? "" : parent + ".")\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "'\(place(context))' has a value of the wrong type"
        case .dataCorrupted(let context):
            // Its own words are several lines, with an excerpt.
            if context.underlyingError is YamlError { return "it is not valid YAML" }
            if let inner = context.underlyingError { return "\(inner)" }
            return context.codingPath.isEmpty
                ? "it is not valid YAML" : "'\(place(context))' has a value that is not allowed"
        @unknown default: return "it cannot be understood"
        }
    }

    private func validate(path: String) throws {
        func check(_ condition: Bool, _ reason: String) throws {
            if !condition { throw RecipeError(path: path, reason: reason, kind: .invalid) }
        }
        // The name becomes a file's name.
        try check(
            !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
                && !name.hasPrefix("."), "name must be letters, digits, '-', '_' and '.'")
        try check(
            optimizer.batchSize % optimizer.accumulation == 0,
            "optimizer.accumulation must divide optimizer.batchSize")
        try check((16...1024).contains(data.patchSize), "data.patchSize must be 16 to 1024")
        switch task {
        case .sr3(let model, let degradation):
            do { try degradation?.validate() } catch {
                throw RecipeError(path: path, reason: "degradation.\(error)", kind: .invalid)
            }
            try check(
                data.patchSize % (model.scale * model.network.patchSize) == 0,
                "data.patchSize must be a multiple of scale × network.patchSize")
        case .deblur(_, let degradation):
            do { try degradation.validate() } catch {
                throw RecipeError(path: path, reason: "degradation.\(error)", kind: .invalid)
            }
            try check(
                (0...1).contains(data.framesShare ?? 0)
                    && (data.frames != nil || (data.framesShare ?? 0) == 0),
                "data.framesShare must be 0 to 1, with data.frames naming the frames")
            try check(
                objective.reconstructionWeight ?? 0 >= 0,
                "objective.reconstructionWeight must not be negative")
        }
        try check((0...1000).contains(data.validationCount), "data.validationCount must be 0 to 1000")
        try check(
            optimizer.learningRate > 0 && optimizer.learningRate < 1,
            "optimizer.learningRate must be between 0 and 1")
        try check((1...4096).contains(optimizer.batchSize), "optimizer.batchSize must be 1 to 4096")
        try check(
            (1...1024).contains(optimizer.accumulation), "optimizer.accumulation must be 1 to 1024")
        try check(
            optimizer.epsilon > 0 && optimizer.epsilon < 1, "optimizer.epsilon must be between 0 and 1")
        try check(
            (0..<1).contains(optimizer.emaDecay), "optimizer.emaDecay must be at least 0 and below 1")
        try check((0...1).contains(optimizer.decayFraction), "optimizer.decayFraction must be 0 to 1")
        try check(budget.steps > 0, "budget.steps must be positive")
        try check(budget.minutes ?? 1 > 0, "budget.minutes must be positive")
    }
}
