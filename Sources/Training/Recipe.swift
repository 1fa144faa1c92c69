import Diffusion
import Foundation
import SR3
import Tensors
import Yams

/// The whole truth of a training run, read from YAML: data, degradation, network, schedule,
/// objective, optimiser, budget.
public struct Recipe: Sendable, Codable, Equatable {
    /// The model's name, for example `sr3-x4`.
    public var name: String
    public var description: String
    /// Under what terms the weights may be used; kept in the model's card.
    public var licence: String?
    /// Which task; `sr3` is the only one so far.
    public var task: String
    public var seed: UInt64
    public var data: DataSettings
    public var model: SR3Configuration
    public var objective: ObjectiveSettings
    public var optimizer: OptimizerSettings
    public var budget: Budget

    public struct DataSettings: Sendable, Codable, Equatable {
        /// Names of manifests in Datasets/; empty for every picture found under `--data`.
        public var sets: [String]
        /// Side of the square HR crops in pixels.
        public var patchSize: Int
        /// Pictures held out for validation, taken evenly from the sorted list.
        public var validationCount: Int
    }

    public struct ObjectiveSettings: Sendable, Codable, Equatable {
        public var loss: LossKind
        /// min-SNR limit, or absent for no weighting.
        public var minSNR: Double?
    }

    public struct OptimizerSettings: Sendable, Codable, Equatable {
        public var learningRate: Double
        public var warmupSteps: Int
        /// The last part of the run over which the rate falls linearly to `finalFraction`.
        public var decayFraction: Double
        public var finalFraction: Double
        public var beta1: Double
        public var beta2: Double
        public var weightDecay: Double
        public var gradientClip: Double
        public var batchSize: Int
        public var emaDecay: Double
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
        try check(task == "sr3", "'\(task)' is not a task: use sr3")
        try check(
            data.patchSize % (model.scale * model.network.patchSize) == 0
                && (16...1024).contains(data.patchSize),
            "data.patchSize must be 16 to 1024 and a multiple of scale × network.patchSize")
        try check((0...1000).contains(data.validationCount), "data.validationCount must be 0 to 1000")
        try check(
            optimizer.learningRate > 0 && optimizer.learningRate < 1,
            "optimizer.learningRate must be between 0 and 1")
        try check((1...4096).contains(optimizer.batchSize), "optimizer.batchSize must be 1 to 4096")
        try check((0..<1).contains(optimizer.emaDecay), "optimizer.emaDecay must be at least 0 and below 1")
        try check((0...1).contains(optimizer.decayFraction), "optimizer.decayFraction must be 0 to 1")
        try check(budget.steps > 0, "budget.steps must be positive")
        try check(budget.minutes ?? 1 > 0, "budget.minutes must be positive")
        do {
            try model.network.validate()
            _ = try NoiseSchedule(parsing: model.schedule)
            _ = try NoiseSchedule(parsing: model.sampling.schedule)
        } catch {
            throw RecipeError(path: path, reason: "\(error)", kind: .invalid)
        }
    }

    /// The factor on the learning rate at a step, with `progress` the spent part of the budget.
    public func learningRate(step: Int, progress: Double) -> Double {
        let warm = min(1, Double(step + 1) / Double(max(1, optimizer.warmupSteps)))
        let start = 1 - optimizer.decayFraction
        guard progress > start, optimizer.decayFraction > 0 else { return optimizer.learningRate * warm }
        let left = max(0, (1 - progress) / optimizer.decayFraction)
        return optimizer.learningRate * warm
            * (optimizer.finalFraction + (1 - optimizer.finalFraction) * left)
    }
}

/// What is wrong with a recipe.
public struct RecipeError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable { case missing, invalid }
    public let path: String
    public let reason: String
    public let kind: Kind
    public var description: String { "the recipe '\(path)' cannot be used: \(reason)" }
}
