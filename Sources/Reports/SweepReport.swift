/// The measurements of a perception-distortion sweep, ready to be drawn and read.
public struct SweepReport: Codable, Sendable, Equatable {
    /// What was measured on every point.
    public struct Metric: Codable, Sendable, Equatable {
        public enum Role: String, Codable, Sendable { case distortion, perception, other }

        /// Key in ``Point/values``.
        public var name: String
        public var title: String
        /// Empty where there is none.
        public var unit: String
        public var isHigherBetter: Bool
        /// Digits after the point.
        public var digits: Int
        public var role: Role

        public init(
            name: String, title: String, unit: String, isHigherBetter: Bool, digits: Int, role: Role
        ) {
            self.name = name
            self.title = title
            self.unit = unit
            self.isHigherBetter = isHigherBetter
            self.digits = digits
            self.role = role
        }

        /// Title and unit.
        public var heading: String { unit.isEmpty ? title : "\(title) (\(unit))" }
    }

    /// One way to make the outputs, and its means over all pictures.
    public struct Point: Codable, Sendable, Equatable {
        public enum Kind: String, Codable, Sendable { case input, deconvolution, predictor, sampled }

        public var id: String
        public var label: String
        public var kind: Kind
        /// What the points of one curve share.
        public var method: String
        public var steps: Int?
        public var samples: Int?
        /// By metric; what is absent was not measured or is not finite.
        public var values: [String: Double]
        /// Half widths of 95 % confidence intervals.
        public var halfWidths: [String: Double]
        public var secondsPerPicture: Double?

        public init(
            id: String, label: String, kind: Kind, method: String, steps: Int?, samples: Int?,
            values: [String: Double], halfWidths: [String: Double], secondsPerPicture: Double?
        ) {
            self.id = id
            self.label = label
            self.kind = kind
            self.method = method
            self.steps = steps
            self.samples = samples
            self.values = values
            self.halfWidths = halfWidths
            self.secondsPerPicture = secondsPerPicture
        }
    }

    /// The same place of one picture in the outputs of all points.
    public struct Crop: Codable, Sendable, Equatable {
        public var name: String
        /// Key of the original among the pictures the page is given; empty for none.
        public var original: String
        /// Keys by the points' ids.
        public var pictures: [String: String]
        public var note: String

        public init(name: String, original: String, pictures: [String: String], note: String) {
            self.name = name
            self.original = original
            self.pictures = pictures
            self.note = note
        }
    }

    /// What a reader must know to believe or to remake the numbers.
    public struct Fact: Codable, Sendable, Equatable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public var title: String
    public var subtitle: String
    public var command: String
    public var facts: [Fact]
    public var metrics: [Metric]
    public var points: [Point]
    public var crops: [Crop]

    public init(
        title: String, subtitle: String, command: String, facts: [Fact], metrics: [Metric],
        points: [Point], crops: [Crop]
    ) {
        self.title = title
        self.subtitle = subtitle
        self.command = command
        self.facts = facts
        self.metrics = metrics
        self.points = points
        self.crops = crops
    }

    func metrics(_ role: Metric.Role) -> [Metric] { metrics.filter { $0.role == role } }
}

/// A report that cannot be drawn.
public struct ReportError: Error, CustomStringConvertible, Sendable {
    public let description: String
    init(_ description: String) { self.description = description }
}
