import Foundation
import Reports
import Testing

@Suite("Report page")
struct ReportPageTests {
    @Test func thePageNeedsNothingButItself() throws {
        let (report, pictures) = SampleReport.withPictures()
        let html = try ReportPage(report: report, pictures: pictures).html()
        // Nothing is fetched: no address but the name of SVG's vocabulary.
        let rest = html.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
        for address in ["http:", "https:", "src=\"", "<link", "@import", "url("] {
            #expect(!rest.contains(address), "\(address)")
        }
        // Each picture once, although a card, the slider and a thumbnail show it.
        #expect(html.components(separatedBy: "data:image/png;base64,").count - 1 == pictures.count)
        for point in report.points { #expect(html.contains(point.id)) }
    }

    @Test func dataCannotEndTheScript() throws {
        var (report, pictures) = SampleReport.withPictures()
        report.title = "</script><script>alert(1)</script>"
        report.points[3].label = "</script><b>"
        report.command = "restore sweep '</pre>'"
        let html = try ReportPage(report: report, pictures: pictures).html()
        #expect(html.components(separatedBy: "</script>").count - 1 == 2)
        #expect(!html.contains("<script>alert"))
        #expect(!html.contains("'</pre>"))
        pictures["roof/original"] = nil
        #expect(throws: ReportError.self) { try ReportPage(report: report, pictures: pictures).html() }
    }

    @Test func theReportSurvivesJSON() throws {
        let report = SampleReport.withPictures().report
        #expect(try JSONDecoder().decode(SweepReport.self, from: JSONEncoder().encode(report)) == report)
    }

    private static let chromium: String? = {
        let variables = ProcessInfo.processInfo.environment
        let folders = (variables["PATH"] ?? "").split(separator: ":")
        let known = ["chromium", "chromium-browser", "google-chrome"].flatMap { name in
            folders.map { "\($0)/\(name)" }
        }
        return ([variables["CHROMIUM"]].compactMap(\.self) + known).first(
            where: FileManager.default.isExecutableFile(atPath:))
    }()

    /// Phone and desktop, light and dark: nothing overflows, points answer to mouse and keyboard, the
    /// slider to both, metrics can be chosen and the table sorted, and nothing is complained about.
    /// SCREENSHOTS names a folder for pictures of all four.
    @Test(.enabled(if: ReportPageTests.chromium != nil, "there is no Chromium (CHROMIUM or PATH)"))
    func thePageWorksInABrowser() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (report, pictures) = SampleReport.withPictures()
        let page = folder.appendingPathComponent("report.html")
        try ReportPage(report: report, pictures: pictures).html().write(
            to: page, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/browser.py")
        process.arguments = [
            "python3", script.path, try #require(Self.chromium), page.path,
            ProcessInfo.processInfo.environment["SCREENSHOTS"] ?? folder.path,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("4 views checked"), "\(text)")
    }
}
