import Foundation

/// The perception-distortion plane of a report as an SVG: distortion to the right, perception
/// upwards, both better the farther.
public struct CurveChart {
    private let report: SweepReport
    private let distortion: SweepReport.Metric
    private let perception: SweepReport.Metric
    private let points: [Placed]

    static let width = 900.0
    static let height = 600.0
    private static let frame = (left: 86.0, top: 24.0, right: 684.0, bottom: 528.0)

    private struct Placed {
        let point: SweepReport.Point
        let x: Double
        let y: Double
    }

    private let xAxis: Axis
    private let yAxis: Axis

    /// - Parameters:
    ///   - distortion: name of the metric along x; nil takes the report's first of that role.
    ///   - perception: the same along y.
    /// - Throws: ``ReportError`` when the report has no such metric.
    public init(report: SweepReport, distortion: String?, perception: String?) throws {
        func metric(_ name: String?, _ role: SweepReport.Metric.Role) throws -> SweepReport.Metric {
            let found = report.metrics.first { name == nil ? $0.role == role : $0.name == name }
            guard let found else {
                throw ReportError(
                    "the report has no metric of \(role.rawValue)\(name.map { " '\($0)'" } ?? "")")
            }
            return found
        }
        self.report = report
        let (x, y) = (try metric(distortion, .distortion), try metric(perception, .perception))
        (self.distortion, self.perception) = (x, y)
        let known = report.points.compactMap { point in
            point.values[x.name].flatMap { a in point.values[y.name].map { (point, a, $0) } }
        }.filter { $0.1.isFinite && $0.2.isFinite }
        let frame = Self.frame
        let xAxis = Axis(known.map(\.1), isHigherBetter: x.isHigherBetter, from: frame.left, to: frame.right)
        let yAxis = Axis(known.map(\.2), isHigherBetter: y.isHigherBetter, from: frame.bottom, to: frame.top)
        points = known.map { Placed(point: $0.0, x: xAxis.place($0.1), y: yAxis.place($0.2)) }
        (self.xAxis, self.yAxis) = (xAxis, yAxis)
    }

    /// A drawing for a file of its own, dark on white.
    public func svg() -> String {
        svg(
            opening:
                "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/><style>\(Self.standaloneStyle)</style>",
            isInteractive: false)
    }

    /// A drawing for a page whose style sheet has the chart's classes; points can be focused.
    func embedded() -> String { svg(opening: "", isInteractive: true) }

    private func svg(opening: String, isInteractive: Bool) -> String {
        let title = "\(report.title): \(perception.title) against \(distortion.title)"
        let parts =
            [opening, grid, paretoLine] + series.map(line)
            + points.map { mark($0, isInteractive: isInteractive) }
            + [labels, legend]
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
            class="chart" role="group" aria-label="\(Self.escaped(title))" \
            font-family="system-ui, 'DejaVu Sans', Arial, sans-serif">
            \(parts.filter { !$0.isEmpty }.joined(separator: "\n"))
            </svg>
            """
    }

    // MARK: parts

    private var grid: String {
        let frame = Self.frame
        var parts: [String] = []
        let (xTicks, yTicks) = (xAxis.ticks, yAxis.ticks)
        for value in xTicks.values {
            let x = xAxis.place(value)
            parts.append(Self.line(x, frame.top, x, frame.bottom, "grid"))
            parts.append(Self.text(x, frame.bottom + 20, Self.number(value, xTicks.digits), "tick", "middle"))
        }
        for value in yTicks.values {
            let y = yAxis.place(value)
            parts.append(Self.line(frame.left, y, frame.right, y, "grid"))
            parts.append(Self.text(frame.left - 9, y + 4, Self.number(value, yTicks.digits), "tick", "end"))
        }
        let middle = ((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2)
        parts.append(
            Self.text(
                middle.0, frame.bottom + 50, "distortion: \(distortion.heading), better →", "title", "middle")
        )
        parts.append(
            "<g transform=\"translate(24 \(Self.place(middle.1))) rotate(-90)\">"
                + Self.text(0, 0, "perception: \(perception.heading), better →", "title", "middle") + "</g>")
        return parts.joined(separator: "\n")
    }

    /// The points of one method and number of samples, by their steps.
    private var series: [[Placed]] {
        let sampled = points.filter { $0.point.kind == .sampled }
        let groups = Dictionary(grouping: sampled) { [$0.point.method, "\($0.point.samples ?? 1)"] }
        return groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { _, group in
            group.sorted { ($0.point.steps ?? 0) < ($1.point.steps ?? 0) }
        }
    }

    private var methods: [String] {
        var found: [String] = []
        for point in report.points where point.kind == .sampled && !found.contains(point.method) {
            found.append(point.method)
        }
        return found
    }

    private var sampleCounts: [Int] { Set(report.points.compactMap(\.samples)).sorted() }

    private func color(_ point: SweepReport.Point) -> String {
        point.kind == .sampled ? "s\((methods.firstIndex(of: point.method) ?? 0) % 7)" : "base"
    }

    private func line(_ series: [Placed]) -> String {
        guard let first = series.first, series.count > 1 else { return "" }
        return "<polyline class=\"curve \(color(first.point))\" points=\"\(Self.path(series))\"/>"
    }

    private var paretoLine: String {
        let front = ParetoFront.ids(of: report.points, distortion: distortion, perception: perception)
        let placed = front.compactMap { id in points.first { $0.point.id == id } }
        return placed.count > 1 ? "<polyline class=\"front\" points=\"\(Self.path(placed))\"/>" : ""
    }

    private func mark(_ placed: Placed, isInteractive: Bool) -> String {
        let point = placed.point
        let shape: String
        switch point.kind {
        case .input: shape = Self.shape("cross", placed.x, placed.y)
        case .deconvolution, .predictor: shape = Self.shape("plus", placed.x, placed.y)
        case .sampled:
            let index = sampleCounts.firstIndex(of: point.samples ?? 1) ?? 0
            shape = Self.shape(Self.shapes[index % Self.shapes.count], placed.x, placed.y)
        }
        let said = [distortion, perception].map { metric in
            "\(metric.title) \(point.values[metric.name].map { Self.number($0, metric.digits) } ?? "")"
        }
        let label = Self.escaped("\(point.label): \(said.joined(separator: ", "))")
        let focus = isInteractive ? " tabindex=\"0\"" : ""
        return """
            <g class="point \(color(point))" data-id="\(Self.escaped(point.id))"\(focus) role="img" \
            aria-label="\(label)"><title>\(label)</title>\(shape)</g>
            """
    }

    // MARK: labels

    private func label(_ point: SweepReport.Point) -> String {
        guard point.kind == .sampled else { return point.label }
        let steps = point.steps.map(String.init) ?? point.label
        return (point.samples ?? 1) > 1 ? "\(steps)×\(point.samples ?? 1)" : steps
    }

    /// Each label where it hides least: the places around its point are tried one after the other.
    private var labels: String {
        struct Box {
            var x: Double
            var y: Double
            var width: Double
            var height: Double
            func overlap(_ other: Box) -> Double {
                max(0, min(x + width, other.x + other.width) - max(x, other.x))
                    * max(0, min(y + height, other.y + other.height) - max(y, other.y))
            }
        }
        var taken = points.map { Box(x: $0.x - 6, y: $0.y - 6, width: 12, height: 12) }
        let frame = Self.frame
        return points.map { placed in
            let text = label(placed.point)
            let isNamed = placed.point.kind != .sampled
            let (width, height) = (Double(text.count) * (isNamed ? 7.4 : 6.6) + 2, 13.0)
            let offsets: [(Double, Double)] = [
                (8, -height / 2), (-width / 2, -height - 7), (-width / 2, 7), (-width - 8, -height / 2),
                (6, -height - 4), (6, 5), (-width - 6, -height - 4), (-width - 6, 5),
                (-width / 2, -height - 20), (-width / 2, 20), (18, -height / 2), (-width - 18, -height / 2),
            ]
            func cost(_ box: Box) -> Double {
                let outside =
                    box.x < frame.left || box.x + width > frame.right || box.y < frame.top
                    || box.y + height > frame.bottom
                return taken.reduce(outside ? 1e4 : 0) { $0 + $1.overlap(box) }
            }
            let boxes = offsets.map {
                Box(x: placed.x + $0.0, y: placed.y + $0.1, width: width, height: height)
            }
            // The first of equally good places: the usual one.
            var best = boxes[0]
            var least = cost(best)
            for box in boxes.dropFirst() where cost(box) < least - 1 { (best, least) = (box, cost(box)) }
            taken.append(best)
            return Self.text(best.x + 1, best.y + 11, text, isNamed ? "name" : "label", "start")
        }.joined(separator: "\n")
    }

    private var legend: String {
        let left = Self.frame.right + 24
        var y = Self.frame.top + 14
        var parts: [String] = []
        func heading(_ text: String) {
            parts.append(Self.text(left, y, text, "name", "start"))
            y += 22
        }
        func row(_ symbol: String, _ text: String) {
            parts.append(symbol)
            parts.append(Self.text(left + 34, y + 4, text, "label", "start"))
            y += 21
        }
        if !methods.isEmpty { heading("sampler") }
        for (index, method) in methods.enumerated() {
            row(Self.line(left, y, left + 24, y, "curve s\(index % 7)"), method)
        }
        if sampleCounts.count > 1 {
            y += 12
            heading("samples averaged")
            for (index, count) in sampleCounts.enumerated() {
                let shape = Self.shape(Self.shapes[index % Self.shapes.count], left + 12, y)
                row("<g class=\"point key\">\(shape)</g>", "\(count)")
            }
        }
        y += 12
        row(Self.line(left, y, left + 24, y, "front"), "Pareto front")
        parts.append(
            Self.text(
                left, y + 8, "numbers: steps\(sampleCounts.count > 1 ? "×samples" : "")", "tick", "start"))
        return parts.joined(separator: "\n")
    }

    // MARK: drawing

    private static let shapes = ["circle", "square", "triangle", "diamond", "pentagon"]

    private static func shape(_ name: String, _ x: Double, _ y: Double) -> String {
        func polygon(_ corners: Int, radius: Double, turn: Double) -> String {
            let points = (0..<corners).map { corner in
                let angle = turn + 2 * .pi * Double(corner) / Double(corners)
                return "\(place(x + radius * sin(angle))),\(place(y - radius * cos(angle)))"
            }
            return "<polygon points=\"\(points.joined(separator: " "))\"/>"
        }
        switch name {
        case "square": return polygon(4, radius: 7, turn: .pi / 4)
        case "triangle": return polygon(3, radius: 7.5, turn: 0)
        case "diamond": return polygon(4, radius: 7.5, turn: 0)
        case "pentagon": return polygon(5, radius: 7, turn: 0)
        case "cross": return "<path d=\"\(strokes(x, y, [(-6, -6, 6, 6), (-6, 6, 6, -6)]))\"/>"
        case "plus": return "<path d=\"\(strokes(x, y, [(-7, 0, 7, 0), (0, -7, 0, 7)]))\"/>"
        default: return "<circle cx=\"\(place(x))\" cy=\"\(place(y))\" r=\"5.5\"/>"
        }
    }

    private static func strokes(_ x: Double, _ y: Double, _ lines: [(Double, Double, Double, Double)])
        -> String
    {
        lines.map { "M\(place(x + $0.0)) \(place(y + $0.1))L\(place(x + $0.2)) \(place(y + $0.3))" }.joined()
    }

    private static func path(_ points: [Placed]) -> String {
        points.map { "\(place($0.x)),\(place($0.y))" }.joined(separator: " ")
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) -> String
    {
        "<line class=\"\(kind)\" x1=\"\(place(x1))\" y1=\"\(place(y1))\" x2=\"\(place(x2))\" y2=\"\(place(y2))\"/>"
    }

    private static func text(_ x: Double, _ y: Double, _ text: String, _ kind: String, _ anchor: String)
        -> String
    {
        "<text class=\"\(kind)\" x=\"\(place(x))\" y=\"\(place(y))\" text-anchor=\"\(anchor)\">\(escaped(text))</text>"
    }

    private static func place(_ value: Double) -> String { String(format: "%.1f", value) }

    static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

    /// Text that may stand in XML, also within quotes.
    static func escaped(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "\"": safe += "&quot;"
            case "'": safe += "&#39;"
            // XML has no control characters.
            case _ where scalar.value < 0x20 && scalar.value != 0x09 && scalar.value != 0x0A: safe += " "
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    /// The classes as the page has them, with the colours of Okabe and Ito's palette, which people
    /// who see no red or green can tell apart.
    private static let standaloneStyle: String = {
        let colors = ["#0072b2", "#d55e00", "#009e73", "#b0578d", "#a87900", "#2f8fc4", "#555555"]
        let series = colors.enumerated().map { index, color in
            ".point.s\(index){fill:\(color)} line.s\(index),polyline.s\(index){stroke:\(color)}"
        }
        return """
            text{fill:#1d2329;font-size:13px} .tick{font-size:12px;fill:#57606a} .label{font-size:12px} \
            .name{font-weight:600} .title{font-size:14px} .grid{stroke:#d8dee4;stroke-width:1} \
            polyline{fill:none} .curve{stroke-width:1.6;stroke-opacity:.6} \
            .front{stroke:#57606a;stroke-width:1.5;stroke-dasharray:6 5} .point{stroke:#ffffff;stroke-width:1} \
            .point.base{stroke:#1d2329;stroke-width:3;fill:none} .point.key{fill:#57606a} \
            \(series.joined(separator: " "))
            """
    }()
}
