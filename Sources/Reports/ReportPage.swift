import Foundation

/// The report as one HTML page that needs nothing but itself.
public struct ReportPage {
    private let report: SweepReport
    private let pictures: [String: Data]

    /// - Parameter pictures: PNG or JPEG files by the keys that the report's crops use.
    public init(report: SweepReport, pictures: [String: Data]) {
        self.report = report
        self.pictures = pictures
    }

    /// - Throws: ``ReportError`` when a crop names a picture that was not given, or the report lacks a
    ///   metric of distortion or of perception.
    public func html() throws -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(escaped(report.title))</title>
        <style>
        \(String(decoding: PackageResources.style_css, as: UTF8.self))
        </style>
        </head>
        <body>
        <header>
        <h1>\(escaped(report.title))</h1>
        <p class="lead">\(escaped(report.subtitle))</p>
        </header>
        <main>
        \(try curveSection())
        \(try cropSection())
        \(tableSection())
        \(factSection())
        </main>
        <script type="application/json" id="data">\(try json())</script>
        <script>
        \(String(decoding: PackageResources.page_js, as: UTF8.self))
        </script>
        </body>
        </html>

        """
    }

    private func escaped(_ text: String) -> String { CurveChart.escaped(text) }

    // MARK: sections

    private func curveSection() throws -> String {
        let (xs, ys) = (report.metrics(.distortion), report.metrics(.perception))
        guard !xs.isEmpty, !ys.isEmpty else {
            throw ReportError("a curve needs a metric of distortion and one of perception")
        }
        var charts: [String] = []
        for x in xs {
            for y in ys {
                let isFirst = charts.isEmpty
                let chart = try CurveChart(report: report, distortion: x.name, perception: y.name).embedded()
                charts.append(
                    "<div class=\"plane\" data-x=\"\(escaped(x.name))\" data-y=\"\(escaped(y.name))\"\(isFirst ? "" : " hidden")>\(chart)</div>"
                )
            }
        }
        func choice(_ id: String, _ label: String, _ metrics: [SweepReport.Metric]) -> String {
            let options = metrics.map {
                "<option value=\"\(escaped($0.name))\">\(escaped($0.heading))</option>"
            }
            return "<label for=\"\(id)\">\(label)</label> <select id=\"\(id)\">\(options.joined())</select>"
        }
        return """
            <section aria-labelledby="curve-title">
            <h2 id="curve-title">The curve</h2>
            <p>Up is more natural, right is closer to the original; no method reaches the corner. Point at a mark,
            tap it or reach it with the Tab key to see its figures and its picture.</p>
            <p class="choices scripted">\(choice("x-metric", "Distortion", xs)) \(choice("y-metric", "Perception", ys))</p>
            <div class="curve-and-card">
            <div class="scroller" tabindex="0" role="region" aria-label="Perception-distortion plane">\(charts.joined(separator: "\n"))</div>
            <aside id="card" class="card scripted" aria-live="polite"></aside>
            </div>
            </section>
            """
    }

    private func cropSection() throws -> String {
        guard report.crops.contains(where: { !$0.pictures.isEmpty }) else { return "" }
        for crop in report.crops {
            for key in Array(crop.pictures.values) + (crop.original.isEmpty ? [] : [crop.original])
            where pictures[key] == nil {
                throw ReportError("the crop '\(crop.name)' names a picture '\(key)' that is not there")
            }
        }
        return """
            <section class="scripted" aria-labelledby="crops-title">
            <h2 id="crops-title">Before and after</h2>
            <div id="crop-choice" class="buttons" role="group" aria-label="Picture"></div>
            <p class="choices"><label for="left-picture">Left</label> <select id="left-picture"></select>
            <label for="right-picture">Right</label> <select id="right-picture"></select></p>
            <div id="slider" class="slider">
            <img id="right-image" alt="" draggable="false">
            <img id="left-image" alt="" draggable="false">
            <div id="divider" class="divider" role="slider" tabindex="0" aria-label="How much of the left picture is shown"
            aria-valuemin="0" aria-valuemax="100" aria-valuenow="50"></div>
            <span class="tag left" id="left-tag"></span><span class="tag right" id="right-tag"></span>
            </div>
            <p class="hint">Drag the line, or use the arrow keys, Home and End.</p>
            <div id="thumbnails" class="thumbnails" role="group" aria-label="All outputs of this place"></div>
            </section>
            """
    }

    private func tableSection() -> String {
        let metrics = report.metrics
        func best(_ metric: SweepReport.Metric) -> Double? {
            let values = report.points.compactMap { $0.values[metric.name] }.filter(\.isFinite)
            return metric.isHigherBetter ? values.max() : values.min()
        }
        let bests = metrics.map(best)
        func cell(_ value: Double?, _ digits: Int, halfWidth: Double? = nil, isBest: Bool = false) -> String {
            guard let value else { return "<td data-value=\"\">–</td>" }
            let number = CurveChart.number(value, digits)
            let half = halfWidth.map { " <small>± \(CurveChart.number($0, digits))</small>" } ?? ""
            let mark = isBest ? " class=\"best\"" : ""
            let said = isBest ? "<span class=\"star\" title=\"best\" aria-label=\"best\">★</span>" : ""
            return "<td data-value=\"\(value)\"\(mark)>\(said)\(number)\(half)</td>"
        }
        let heads = (["method", "steps", "samples"] + metrics.map(\.heading) + ["seconds a picture"]).map {
            "<th scope=\"col\" aria-sort=\"none\"><button type=\"button\">\(escaped($0))</button></th>"
        }
        let rows = report.points.map { point in
            let values = zip(metrics, bests).map { metric, best in
                let value = point.values[metric.name]
                return cell(
                    value, metric.digits, halfWidth: point.halfWidths[metric.name],
                    isBest: value != nil && value == best)
            }
            let cells =
                ["<th scope=\"row\">\(escaped(point.label))</th>", cell(point.steps.map(Double.init), 0)]
                + [cell(point.samples.map(Double.init), 0)] + values + [cell(point.secondsPerPicture, 2)]
            return "<tr data-id=\"\(escaped(point.id))\">\(cells.joined())</tr>"
        }
        return """
            <section aria-labelledby="table-title">
            <h2 id="table-title">The figures</h2>
            <p>Means over all pictures ± half of their 95 % confidence intervals, which say how much the choice of
            pictures leaves open. A star marks the best of a column; a heading sorts by its column.</p>
            <div class="scroller" tabindex="0" role="region" aria-label="Table of all points">
            <table id="figures"><thead><tr>\(heads.joined())</tr></thead><tbody>\(rows.joined(separator: "\n"))</tbody></table>
            </div>
            </section>
            """
    }

    private func factSection() -> String {
        let facts = report.facts.map { "<dt>\(escaped($0.name))</dt><dd>\(escaped($0.value))</dd>" }
        return """
            <section aria-labelledby="facts-title">
            <h2 id="facts-title">How it was measured</h2>
            <div class="command"><pre id="command"><code>\(escaped(report.command))</code></pre>
            <button type="button" id="copy" class="scripted">Copy</button></div>
            <dl>\(facts.joined(separator: "\n"))</dl>
            </section>
            """
    }

    // MARK: data

    private struct Payload: Encodable {
        var metrics: [SweepReport.Metric]
        var points: [SweepReport.Point]
        var crops: [SweepReport.Crop]
        var pictures: [String: String]
    }

    /// What the script reads; nothing in it can end the element it stands in.
    private func json() throws -> String {
        let used = Set(report.crops.flatMap { Array($0.pictures.values) + [$0.original] })
        let payload = Payload(
            metrics: report.metrics, points: report.points, crops: report.crops,
            pictures: pictures.filter { used.contains($0.key) }.mapValues { data in
                let kind = data.starts(with: [0xFF, 0xD8]) ? "jpeg" : "png"
                return "data:image/\(kind);base64,\(data.base64EncodedString())"
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(payload), as: UTF8.self)
            .replacingOccurrences(of: "<", with: "\\u003c")
    }
}
