import Foundation
import Testing

@testable import Reports

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Curve chart")
struct CurveChartTests {
    /// The element names and attributes of a well-formed text, else the parser's complaint.
    private func elements(_ svg: String) throws -> [(name: String, attributes: [String: String])] {
        final class Reader: NSObject, XMLParserDelegate {
            var found: [(String, [String: String])] = []
            func parser(
                _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
                qualifiedName: String?, attributes: [String: String]
            ) { found.append((name, attributes)) }
        }
        let parser = XMLParser(data: Data(svg.utf8))
        let reader = Reader()
        parser.delegate = reader
        let isWellFormed = parser.parse()
        try #require(isWellFormed, "\(String(describing: parser.parserError))")
        return reader.found.map { (name: $0.0, attributes: $0.1) }
    }

    private func chart(_ points: [SweepReport.Point]) throws -> [(name: String, attributes: [String: String])]
    {
        try elements(CurveChart(report: SampleReport.report(points), distortion: nil, perception: nil).svg())
    }

    @Test func everyPointIsDrawnOnceInsideTheFrame() throws {
        let found = try chart(SampleReport.points)
        let ids = found.compactMap { $0.attributes["data-id"] }
        #expect(ids == SampleReport.points.map(\.id))
        // Marks of single samples, before the legend.
        for circle in found.filter({ $0.name == "circle" }).prefix(10) {
            let x = try #require(circle.attributes["cx"].flatMap(Double.init))
            let y = try #require(circle.attributes["cy"].flatMap(Double.init))
            #expect((86...684).contains(x) && (24...528).contains(y))
        }
    }

    /// Better lies to the right and upwards, whether a metric rises or falls with quality.
    @Test func betterIsRightAndUp() throws {
        let found = try chart([
            SampleReport.point("bad", psnr: 20, sfd: 0.9), SampleReport.point("good", psnr: 30, sfd: 0.1),
        ])
        let circles = found.filter { $0.name == "circle" }.prefix(2).map { circle in
            ["cx", "cy"].map { circle.attributes[$0].flatMap(Double.init) ?? .nan }
        }
        #expect(circles[1][0] > circles[0][0])
        #expect(circles[1][1] < circles[0][1])
    }

    @Test func degenerateReportsAreStillDrawings() throws {
        _ = try chart([])
        _ = try chart([SampleReport.point("one", psnr: 30, sfd: 0.5)])
        let equal = (0..<40).map { SampleReport.point("p\($0)", psnr: 30, sfd: 0.5, steps: $0 + 1) }
        #expect(try chart(equal).compactMap { $0.attributes["data-id"] }.count == 40)
        let gaps = [
            SampleReport.point("a", psnr: nil, sfd: 0.5), SampleReport.point("b", psnr: .nan, sfd: 0.5),
        ]
        #expect(try chart(gaps).allSatisfy { $0.attributes["data-id"] == nil })
        _ = try chart([SampleReport.point("zero", psnr: 0, sfd: 0)])
    }

    @Test func hostileNamesStayText() throws {
        let hostile = "<&\"'>\u{1}</svg><script>"
        let point = SampleReport.point(hostile, psnr: 30, sfd: 0.5, kind: .input, label: hostile)
        let other = SampleReport.point("x", psnr: 31, sfd: 0.4, method: hostile, steps: 3)
        let found = try chart([point, other])
        #expect(!found.contains { $0.name == "script" })
        #expect(found.filter { $0.name == "svg" }.count == 1)
        #expect(
            found.contains {
                $0.attributes["data-id"] == hostile.replacingOccurrences(of: "\u{1}", with: " ")
            })
    }

    @Test func anAbsentMetricIsRefused() {
        let report = SampleReport.report(SampleReport.points)
        #expect(throws: ReportError.self) {
            try CurveChart(report: report, distortion: "lpips", perception: nil)
        }
        var bare = report
        bare.metrics = []
        #expect(throws: ReportError.self) { try CurveChart(report: bare, distortion: nil, perception: nil) }
    }

    /// Round numbers, inside the range, with the digits they need.
    @Test(arguments: [(25.0, 31.0), (0.4021, 0.4055), (0.0, 0.0), (-3.0, 900.0)])
    func ticksAreRoundAndInside(low: Double, high: Double) {
        let axis = Axis([low, high], isHigherBetter: true, from: 0, to: 100)
        let ticks = axis.ticks
        #expect((3...14).contains(ticks.values.count))
        for tick in ticks.values {
            #expect((-0.01...100.01).contains(axis.place(tick)))
            let written = Double(String(format: "%.\(ticks.digits)f", tick)) ?? .nan
            #expect(abs(written - tick) < 1e-9 * max(1, abs(tick)))
        }
    }

    @Test(.enabled(if: SVGRasterizer.isAvailable, "librsvg is not installed"))
    func theDrawingBecomesAPNG() throws {
        let svg = try CurveChart(
            report: SampleReport.report(SampleReport.points), distortion: nil, perception: nil
        ).svg()
        let png = try SVGRasterizer.png(svg: svg, width: 450)
        #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        // Width and height in the header: 450 by 300.
        #expect(Array(png[16..<24]) == [0, 0, 1, 194, 0, 0, 1, 44])
        #expect(throws: ReportError.self) { try SVGRasterizer.png(svg: "no drawing", width: 450) }
        #expect(throws: ReportError.self) { try SVGRasterizer.png(svg: svg, width: 0) }
    }
}
