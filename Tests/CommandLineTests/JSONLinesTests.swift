import Foundation
import ImageFiles
import Testing

@Suite("Command line: --json")
struct JSONLinesTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    static let pictureKeys: Set = [
        "type", "input", "output", "status", "reason", "input_width", "input_height", "output_width",
        "output_height", "seconds", "model", "method", "seed",
    ]
    static let summaryKeys: Set = [
        "type", "done", "overwritten", "skipped", "existing", "failed", "seconds", "status",
    ]

    private func objects(_ outcome: Executable.Outcome) throws -> [[String: Any]] {
        try outcome.outputLines.map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
        }
    }

    @Test func everyPictureHasALine() throws {
        for name in ["a", "b", "d"] { try TestPictures.waves().write(to: folder.file("\(name).png")) }
        try folder.write("text", as: "c.png")
        try folder.write("text", as: "b_x3.png")
        let outcome = try Executable.run(
            [
                "sr", "a.png", "b.png", "c.png", "d.png", "absent.png", "--json", "--skip-existing",
                "--scale", "3", "--seed", "7", "--samples", "2", "--model", TestModels.tiny,
            ], in: folder.path)
        #expect(outcome.status == 65)
        #expect(outcome.errorLines.count == 2)
        let lines = try objects(outcome)
        try #require(lines.count == 6)
        for line in lines.dropLast() { #expect(Set(line.keys) == Self.pictureKeys) }
        #expect(
            lines.map { $0["status"] as? String } == ["done", "skipped", "failed", "done", "failed", nil])
        #expect(
            lines.dropLast().map { $0["input"] as? String } == [
                "a.png", "b.png", "c.png", "d.png", "absent.png",
            ])
        let first = lines[0]
        #expect(first["type"] as? String == "picture")
        #expect(first["output"] as? String == "a_x3.png")
        let sizes = ["input_width", "input_height", "output_width", "output_height"].map { first[$0] as? Int }
        #expect(sizes == [7, 5, 21, 15])
        #expect(first["seed"] as? Int == 7)
        #expect(first["method"] as? String == "2 ddim steps × 2 samples")
        #expect(try first["model"] as? String == TestModels.tiny)
        #expect((first["seconds"] as? Double ?? -1) >= 0)
        #expect(first["reason"] is NSNull)
        #expect(lines[1]["reason"] as? String == "'b_x3.png' exists")
        #expect((lines[2]["reason"] as? String)?.contains("'c.png'") == true)
        let summary = try #require(lines.last)
        #expect(Set(summary.keys) == Self.summaryKeys)
        #expect(summary["type"] as? String == "summary")
        #expect(summary["done"] as? Int == 2 && summary["skipped"] as? Int == 1)
        #expect(summary["existing"] as? Int == 1 && summary["failed"] as? Int == 2)
        #expect(summary["status"] as? Int == 65)
    }

    @Test func onePictureHasASummaryToo() throws {
        try TestPictures.waves().write(to: folder.file("a.png"))
        let outcome = try succeed(
            ["deblur", "a.png", "--json", "--predictor-only", "--model", TestModels.tinyDeblur], in: folder)
        let lines = try objects(outcome)
        try #require(lines.count == 2)
        #expect(lines[0]["method"] as? String == "predictor only")
        #expect(lines[0]["seed"] is NSNull)
        #expect(lines[1]["done"] as? Int == 1 && lines[1]["overwritten"] as? Int == 0)
        let again = try objects(
            succeed(["deblur", "a.png", "--json", "--model", TestModels.tinyDeblur], in: folder))
        #expect(again.last?["overwritten"] as? Int == 1)
    }
}
