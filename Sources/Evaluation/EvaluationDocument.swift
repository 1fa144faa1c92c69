import Foundation

/// A run's whole account in one JSON file: what was asked, with what it was done, how the numbers
/// are defined, and the numbers.
public struct EvaluationDocument: Codable, Sendable {
    public struct Model: Codable, Sendable {
        public var name: String
        /// Of the weights' file.
        public var sha256: String

        public init(name: String, sha256: String) {
            self.name = name
            self.sha256 = sha256
        }
    }

    public struct Metric: Codable, Sendable {
        public var name: String
        public var title: String
        public var unit: String
        public var isHigherBetter: Bool
        public var protocolText: String

        enum CodingKeys: String, CodingKey {
            case name, title, unit
            case isHigherBetter = "higher_is_better"
            case protocolText = "protocol"
        }
    }

    /// A number that may be `"inf"` or `"nan"`, which JSON lacks.
    public struct Estimate: Codable, Sendable {
        public var mean: Double
        /// 95 % confidence: mean ± this; absent for one picture.
        public var halfWidth: Double?

        enum CodingKeys: String, CodingKey {
            case mean
            case halfWidth = "ci95"
        }
    }

    public struct Row: Codable, Sendable {
        public var set: String
        public var point: EvaluationPoint
        public var pictures: Int
        public var values: [String: Estimate]
        public var seconds: Double
    }

    public struct Picture: Codable, Sendable {
        public var set: String
        public var picture: String
        public var method: String
        public var values: [String: Double]
        public var seconds: Double
    }

    public var format = "restore-evaluation"
    public var version = 1
    public var task: EvaluatedTask
    public var command: String
    public var versions: [String: String]
    public var machine: [String: String]
    public var conditions: [String: String]
    public var model: Model
    public var metrics: [Metric]
    public var summary: [Row]
    public var pictures: [Picture]

    public init(
        task: EvaluatedTask, command: String, versions: [String: String], machine: [String: String],
        model: Model, evaluator: any Evaluator, results: [EvaluationResult]
    ) {
        self.task = task
        self.command = command
        self.versions = versions
        self.machine = machine
        self.model = model
        conditions = evaluator.conditions
        let names = evaluator.metrics.map(\.name)
        metrics = evaluator.metrics.map {
            Metric(
                name: $0.name, title: $0.title, unit: $0.unit, isHigherBetter: $0.isHigherBetter,
                protocolText: $0.protocolText)
        }
        summary = EvaluationSummary.summaries(of: results, evaluator.metrics).map { summary in
            Row(
                set: summary.set, point: summary.point, pictures: summary.count,
                values: .init(
                    uniqueKeysWithValues: zip(
                        names,
                        summary.values.map {
                            Estimate(mean: $0.mean, halfWidth: $0.halfWidth.isNaN ? nil : $0.halfWidth)
                        })),
                seconds: summary.seconds)
        }
        let isOfPictures = evaluator.metrics.map { $0.patches == nil }
        pictures = results.map { result in
            let values = zip(zip(names, result.values), isOfPictures).filter(\.1).map(\.0)
            return Picture(
                set: result.set, picture: result.picture, method: result.point.label,
                values: .init(uniqueKeysWithValues: values), seconds: result.seconds)
        }
    }

    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
