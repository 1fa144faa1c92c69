import Foundation

/// A point's means over the pictures of a set.
public struct EvaluationSummary: Sendable {
    public let set: String
    public let point: EvaluationPoint
    public let count: Int
    /// In the order of the evaluator's metrics.
    public let values: [Estimate]
    /// Mean seconds of a picture.
    public let seconds: Double

    /// A mean and half the width of its 95 % confidence interval.
    public struct Estimate: Sendable, Equatable {
        public let mean: Double
        /// t·s/√n with Student's t of n − 1 degrees of freedom: what the choice of pictures leaves
        /// open. NaN for fewer than two pictures or an infinite value.
        public let halfWidth: Double

        public init(_ values: [Double]) {
            let count = Double(values.count)
            let mean = values.reduce(0, +) / count
            self.mean = mean
            guard values.count > 1, mean.isFinite else {
                halfWidth = .nan
                return
            }
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
            halfWidth = Self.studentT975(values.count - 1) * (variance / count).squareRoot()
        }

        /// The 97.5 % quantile of Student's distribution. Exact to 5 digits where tabled, else by
        /// the Cornish-Fisher expansion about the normal quantile (Abramowitz and Stegun 26.7.5).
        static func studentT975(_ freedom: Int) -> Double {
            let tabled = [
                12.70620, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.30600, 2.26216, 2.22814,
            ]
            if freedom <= tabled.count { return tabled[max(1, freedom) - 1] }
            let (z, n) = (1.959964, Double(freedom))
            let (z3, z5, z7) = (pow(z, 3), pow(z, 5), pow(z, 7))
            return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n)
                + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n)
        }
    }

    /// Means of each set and point, in the order in which they first appear; a distance of sets is
    /// that of all the pictures and has no interval.
    ///
    /// - Parameter metrics: those of the results' values.
    public static func summaries(of results: [EvaluationResult], _ metrics: [EvaluationMetric])
        -> [EvaluationSummary]
    {
        var order: [[String]: [EvaluationResult]] = [:]
        var keys: [[String]] = []
        for result in results {
            let key = [result.set, result.point.label]
            if order[key] == nil { keys.append(key) }
            order[key, default: []].append(result)
        }
        return keys.compactMap { key in
            guard let group = order[key], let first = group.first else { return nil }
            return EvaluationSummary(
                set: first.set, point: first.point, count: group.count,
                values: metrics.indices.map { column in
                    guard metrics[column].patches != nil else {
                        return Estimate(group.map { $0.values[column] })
                    }
                    return Estimate([PictureFeatures.kernelDistance(group.compactMap(\.features))])
                },
                seconds: group.reduce(0) { $0 + $1.seconds } / Double(group.count))
        }
    }
}

/// How results are printed and written: a Markdown table of means, and a CSV file of all pictures.
public struct EvaluationFormat {
    private let metrics: [EvaluationMetric]

    public init(_ metrics: [EvaluationMetric]) { self.metrics = metrics }

    /// What each number is, a line a metric.
    public var protocolLines: [String] { metrics.map { "\($0.heading): \($0.protocolText)" } }

    /// A Markdown table, mean ± half width; a dash where a picture has no such number.
    public func table(_ summaries: [EvaluationSummary]) -> [String] {
        let titles = ["set", "method"] + metrics.map(\.heading) + ["seconds"]
        return [
            "| \(titles.joined(separator: " | ")) |", "|\(String(repeating: "---|", count: titles.count))",
        ]
            + summaries.map { summary in
                let numbers = zip(metrics, summary.values).map { metric, value in
                    let mean = value.mean.isNaN ? "–" : Self.text(value.mean, metric.digits.table)
                    return value.halfWidth.isNaN
                        ? mean : "\(mean) ± \(Self.text(value.halfWidth, metric.digits.table))"
                }
                let cells =
                    [summary.set, summary.point.label] + numbers
                    + [String(format: "%.2f", summary.seconds)]
                return "| \(cells.joined(separator: " | ")) |"
            }
    }

    /// CSV with a line a picture and a last line `mean` for each set and method.
    public func csv(_ results: [EvaluationResult]) -> [String] {
        let head = ["set", "picture", "method", "steps", "samples"] + metrics.map(\.name) + ["seconds"]
        var lines = [head.joined(separator: ",")]
        func add(
            _ set: String, _ picture: String, _ point: EvaluationPoint, _ values: [Double], _ time: Double
        ) {
            let names = [set, picture, point.label, point.steps.map(String.init) ?? ""]
            let numbers = zip(metrics, values).map { Self.text($1, $0.digits.file) }
            lines.append(
                (names + [point.samples.map(String.init) ?? ""] + numbers + [Self.text(time, 3)])
                    .joined(separator: ","))
        }
        for summary in EvaluationSummary.summaries(of: results, metrics) {
            for one in results where one.set == summary.set && one.point == summary.point {
                add(one.set, one.picture, one.point, one.values, one.seconds)
            }
            add(summary.set, "mean", summary.point, summary.values.map(\.mean), summary.seconds)
        }
        return lines
    }

    /// A number with that many digits after the point; `inf` and `nan` as words.
    static func text(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}
