import Foundation
import ImageFiles
import Testing

@Suite("Command line: sweep")
struct SweepTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        for name in ["one", "two"] {
            let sharp = try TestPictures.waves(width: name == "one" ? 40 : 48, height: 32)
            try folder.write(sharp.encoded(as: .png), as: "pairs/sharp/\(name).png")
            try folder.write(
                sharp.resized(width: 20, height: 16).resized(width: sharp.width, height: 32).encoded(
                    as: .png),
                as: "pairs/blur/\(name).png")
        }
    }

    private func arguments(_ more: String...) throws -> [String] {
        [
            "sweep", "deblur", "--model", try TestModels.tinyDeblur, "--data", "pairs", "--steps", "1,2,30",
            "--samples", "1,3", "-o", "out",
        ] + more
    }

    private func lines(_ name: String) throws -> [Substring] {
        String(decoding: try folder.bytes(name), as: UTF8.self).split(separator: "\n")
    }

    /// All but the last column, the seconds.
    private func values() throws -> [Substring] {
        try lines("out/curve.csv").map { $0.prefix(upTo: $0.lastIndex(of: ",") ?? $0.endIndex) }
    }

    @Test func theFolderHoldsCurveTableAndPage() throws {
        let outcome = try succeed(try arguments(), in: folder)
        #expect(outcome.outputLines.last == "out/report.html")
        let lines = try lines("out/curve.csv")
        #expect(
            lines.first?.hasPrefix("method,series,steps,samples,pictures,psnr_rgb,psnr_rgb_ci95,gain_db")
                == true)
        let names = lines.dropFirst().map { String($0.prefix { $0 != "," }) }
        var wanted = ["input", "predictor"]
        for steps in ["1 ddim step", "2 ddim steps", "30 ddim steps"] { wanted += [steps, "\(steps) × 3"] }
        #expect(names == wanted)
        #expect(
            lines.dropFirst().allSatisfy {
                $0.split(separator: ",", omittingEmptySubsequences: false)[4] == "2"
            })
        let page = String(decoding: try folder.bytes("out/report.html"), as: UTF8.self)
        // Two crops of eight points and the original.
        #expect(page.components(separatedBy: "data:image/png;base64,").count - 1 == 2 * 9)
        #expect(String(decoding: try folder.bytes("out/curve.svg"), as: UTF8.self).hasPrefix("<svg"))
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(folder.bytes("out/sweep.json"))) as? [String: Any])
        #expect((json["summary"] as? [Any])?.count == wanted.count)
    }

    /// A killed sweep goes on and writes what one that was never stopped writes; finished points are
    /// not made again, and a wider sweep makes only what is new.
    @Test func aKilledSweepIsResumed() throws {
        try succeed(try arguments(), in: folder)
        let wanted = try values()
        let crop = try folder.bytes("out/crops/one-30-ddim-steps-3.png")
        try FileManager.default.removeItem(atPath: folder.file("out"))
        let stopped = try Executable.run(try arguments(), in: folder.path) { pid in
            let deadline = Date().addingTimeInterval(60)
            while ((try? self.folder.bytes("out/measurements.jsonl")) ?? []).count(where: { $0 == 10 }) < 4,
                Date() < deadline
            { usleep(500) }
            kill(pid, SIGKILL)
        }
        #expect(stopped.status == 137)
        #expect(!folder.exists("out/curve.csv"))
        let before = try lines("out/measurements.jsonl")
        #expect(before.count >= 4 && before.count < 11)
        try succeed(try arguments(), in: folder)
        #expect(try values() == wanted)
        #expect(try folder.bytes("out/crops/one-30-ddim-steps-3.png") == crop)
        let after = try lines("out/measurements.jsonl")
        // A head, and for each picture two base lines and three methods.
        #expect(after.count == 1 + 2 * 5)
        #expect(after.starts(with: before.dropLast()))
        try succeed(try arguments("--steps", "1,2,4,30"), in: folder)
        #expect(try lines("out/measurements.jsonl").count == 1 + 2 * 6)
    }

    /// What another build measured may differ, by a blur found in another way for one.
    @Test func anotherProgramMeasuresAnew() throws {
        try succeed(try arguments("--steps", "1"), in: folder)
        let first = try lines("out/measurements.jsonl")
        try succeed(try arguments("--steps", "1"), in: folder)
        #expect(try lines("out/measurements.jsonl") == first)
        let copy = try Executable.copy(into: folder.file("bin")) {
            $0.hasSuffix(".so") || $0.hasSuffix(".resources")
        }
        let end = try FileHandle(forWritingTo: URL(fileURLWithPath: copy))
        try end.seekToEnd()
        try end.write(contentsOf: Data([0]))
        try end.close()
        let other = try Executable.run(try arguments("--steps", "1"), in: folder.path, copy: copy)
        #expect(other.status == 0, "\(other.errors)")
        let again = try lines("out/measurements.jsonl")
        #expect(again.count == first.count && again[0] != first[0])
    }

    @Test func otherPicturesCanBeShown() throws {
        let hr = try TestPictures.waves(width: 200, height: 180)
        try folder.write(hr.encoded(as: .png), as: "show/sharp/wide.png")
        try folder.write(hr.encoded(as: .png), as: "show/blur/wide.png")
        try succeed(
            [
                "sweep", "deblur", "--model", TestModels.tinyDeblur, "--data", "pairs", "--steps", "1",
                "--show",
                "show", "-o", "out",
            ], in: folder)
        let crops = folder.names.filter { $0.hasPrefix("out/crops/") }
        #expect(crops.count == 4 && crops.allSatisfy { $0.hasPrefix("out/crops/wide-") })
        let crop = try folder.image("out/crops/wide-original.png")
        #expect(crop.width == 128 && crop.height == 128)
        #expect(try lines("out/curve.csv").allSatisfy { !$0.contains("wide") })
    }

    @Test func failures() throws {
        try expectFailure(
            ["sweep", "deblur", "--model", TestModels.tinyDeblur, "--data", "absent", "-o", "out"],
            in: folder,
            status: 65, naming: "absent")
        try expectFailure(
            ["sweep", "sr", "--model", TestModels.tiny, "--data", "pairs", "-o", "out"], in: folder,
            status: 65, naming: "'pairs' has no folder 'lr'")
        try expectFailure(["sweep", "sr", "--data", "pairs"], in: folder, status: 64, naming: "--output")
        try expectFailure(try arguments("--crops", "99"), in: folder, status: 64, naming: "--crops")
        try folder.write("a file", as: "taken")
        try expectFailure(
            [
                "sweep", "deblur", "--model", TestModels.tinyDeblur, "--data", "pairs", "--steps", "1", "-o",
                "taken",
            ], in: folder, status: 73, naming: "taken")
    }
}
