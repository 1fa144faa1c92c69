import Foundation
import ImageFiles
import Testing

@Suite("Command line: eval")
struct EvalTests {
    let folder: TestFolder
    let environment: [String: String]

    init() throws {
        folder = try TestFolder()
        environment = ["RESTORE_DATASETS": folder.file("manifests")]
        let layout =
            "[{role: hr, path: 'waves/hr/*.png', count: 2}, {role: lr, path: 'waves/lr/*.png', count: 2}]"
        try folder.write(DatasetsTests.manifest("waves", layout: layout), as: "manifests/waves.yaml")
        for (name, channels) in [("colour", 3), ("gray", 1)] {
            let hr = try TestPictures.waves(width: 64, height: 48, channels: channels)
            try folder.write(hr.encoded(as: .png), as: "data/waves/hr/\(name).png")
            try folder.write(
                hr.resized(width: 16, height: 12).encoded(as: .png), as: "data/waves/lr/\(name).png")
        }
    }

    @Test func tableAndCSV() throws {
        let outcome = try succeed(
            [
                "eval", "sr", "--sets", "waves", "--data", "data", "--model", TestModels.tiny, "--steps",
                "1,2",
                "--csv", "out.csv",
            ],
            in: folder, environment: environment)
        let methods = Self.methods(outcome)
        #expect(methods == ["bicubic", "1 ddim step", "2 ddim steps"])
        let lines = String(decoding: try folder.bytes("out.csv"), as: UTF8.self).split(separator: "\n")
        #expect(
            lines.first
                == "set,picture,method,steps,samples,psnr_y,ssim_y,niqe,lr_consistency_db,colour_shift,seconds"
        )
        let rows = lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(
            rows.map { "\($0[1]) \($0[2])" }
                == ["bicubic", "1 ddim step", "2 ddim steps"].flatMap { method in
                    ["colour", "gray", "mean"].map { "\($0) \(method)" }
                })
        for row in rows {
            let numbers = row.dropFirst(5).map { Double($0) ?? .nan }
            #expect(numbers[0] > 10 && numbers[0] < 60, "\(row)")
            #expect(numbers[1] > 0 && numbers[1] <= 1, "\(row)")
            // Consistency is made for the model's outputs.
            if row[2] != "bicubic" { #expect(numbers[3] > 45, "\(row)") }
        }
        // The mean is that of the two pictures.
        let psnr = rows.prefix(3).map { Double($0[5]) ?? .nan }
        #expect(abs((psnr[0] + psnr[1]) / 2 - psnr[2]) < 2e-4)
    }

    private static func methods(_ outcome: Executable.Outcome) -> [String] {
        outcome.outputLines.dropFirst(2).filter { $0.hasPrefix("|") }.map {
            $0.split(separator: "|")[1].trimmingCharacters(in: .whitespaces)
        }
    }

    /// Samples are drawn once; the means of 1 and of 3 of them are measured on the way.
    @Test func deblurringIsMeasuredOnPairs() throws {
        let sharp = try TestPictures.waves(width: 40, height: 30)
        try sharp.write(to: folder.file("in.png"))
        try folder.write(sharp.encoded(as: .png), as: "sharp/one.png")
        try succeed(
            ["degrade", "blur", "--kinds", "gaussian", "--sigma", "2", "-o", "blurred", "sharp/one.png"],
            in: folder)
        let outcome = try succeed(
            [
                "eval", "deblur", "--model", TestModels.tinyDeblur, "--blurred", "blurred", "--sharp",
                "sharp",
                "--samples", "1,3", "--csv", "out.csv",
            ], in: folder)
        let methods = Self.methods(outcome)
        #expect(methods == ["input", "predictor", "2 ddim steps", "2 ddim steps × 3"])
        let lines = String(decoding: try folder.bytes("out.csv"), as: UTF8.self).split(separator: "\n")
        #expect(
            lines.first
                == "set,picture,method,steps,samples,psnr_rgb,gain_db,ssim_y,niqe,colour_shift,seconds")
        let rows = lines.dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        func number(_ method: String, _ column: Int) throws -> Double {
            try #require(rows.first { $0[1] == "one" && $0[2] == method }.flatMap { Double($0[column]) })
        }
        let input = try number("input", 5)
        #expect(try number("input", 6) == 0 && input > 15 && input < 45)
        for method in ["predictor", "2 ddim steps", "2 ddim steps × 3"] {
            #expect(abs(try number(method, 5) - input - number(method, 6)) < 2e-4)
        }
        // Random samples: their mean is closer to the middle than one of them.
        #expect(try number("2 ddim steps × 3", 5) > number("2 ddim steps", 5))
        func ensemble(_ poses: String) throws -> (json: String, psnr: String) {
            let outcome = try succeed(
                [
                    "eval", "deblur", "--model", TestModels.tinyDeblur, "--blurred", "blurred", "--sharp",
                    "sharp", "--self-ensemble", poses, "--json", "\(poses).json",
                ], in: folder)
            let row = try #require(outcome.outputLines.first { $0.contains("| predictor |") })
            let psnr = row.split(separator: "|")[2].trimmingCharacters(in: .whitespaces)
            return (String(decoding: try folder.bytes("\(poses).json"), as: UTF8.self), psnr)
        }
        let (one, four) = (try ensemble("1"), try ensemble("4"))
        #expect(!one.json.contains("selfEnsemble") && four.json.contains("selfEnsemble"))
        #expect(one.psnr != four.psnr)
    }

    /// A capture displaced by (3, −2) is measured as if it were not.
    @Test func displacedPairsAreAligned() throws {
        let wide = try TestPictures.waves(width: 60, height: 50)
        try folder.write(
            wide.cropping(x: 5, y: 5, width: 40, height: 36).encoded(as: .png), as: "sharp/a.png")
        try folder.write(
            wide.cropping(x: 2, y: 7, width: 40, height: 36).encoded(as: .png), as: "moved/a.png")
        func psnr(_ align: String) throws -> String {
            let outcome = try succeed(
                [
                    "eval", "deblur", "--model", TestModels.tinyDeblur, "--blurred", "moved", "--sharp",
                    "sharp",
                    "--align", align,
                ], in: folder)
            return outcome.outputLines[2].split(separator: "|")[2].trimmingCharacters(in: .whitespaces)
        }
        #expect(try psnr("4") == "inf")
        #expect(try #require(Double(psnr("0"))) < 40)
    }

    @Test func whatToMeasureOnMustBeSaid() throws {
        let deblur = ["eval", "deblur", "--model", try TestModels.tinyDeblur]
        try expectFailure(deblur + ["--blurred", "x"], in: folder, status: 64, naming: "--sharp")
        try expectFailure(
            deblur + ["--data", "data"], in: folder, status: 65, naming: "'data' has no folder 'blur'")
        try expectFailure(deblur, in: folder, status: 64, naming: "--data", "--sets")
        try expectFailure(
            deblur + ["--sets", "waves", "--data", "data"], in: folder,
            status: 65, naming: "no blur pictures", environment: environment)
        try expectFailure(deblur + ["--data", "absent"], in: folder, status: 65, naming: "absent")
        for (flag, value) in [
            ("--max-noise", "1.5"), ("--perception", "2"), ("--steps", "0"), ("--samples", "1,x"),
            ("--sampler", "euler"), ("--eta", "2"), ("--steps", "9999"), ("--self-ensemble", "9"),
            ("--blur-estimates", "9"), ("--blur-estimates", "2"), ("--light-exponent", "2"),
        ] {
            try expectFailure(
                deblur + ["--data", "data/waves", "--blurred", "data/waves/hr", "--sharp", "data/waves/hr"]
                    + [flag, value], in: folder, status: 64, naming: flag)
        }
    }

    /// A folder of pairs, every combination of the lists, and one file that explains itself.
    @Test func jsonDescribesItself() throws {
        try succeed(
            [
                "eval", "sr", "--data", "data/waves", "--model", TestModels.tiny, "--steps", "1,3",
                "--sampler", "ddim,ddpm", "--eta", "0,1", "--samples", "1,2", "--seed", "7", "--json",
                "out.json",
            ], in: folder)
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(folder.bytes("out.json"))) as? [String: Any])
        #expect(json["format"] as? String == "restore-evaluation")
        #expect((json["command"] as? String)?.hasPrefix("restore eval sr --data data/waves") == true)
        #expect((json["conditions"] as? [String: String])?["seed"] == "7")
        let model = try #require(json["model"] as? [String: String])
        let digest = try #require(model["sha256"])
        #expect(digest.count == 64 && model["name"] == "tiny")
        let summary = try #require(json["summary"] as? [[String: Any]])
        let labels = summary.compactMap { ($0["point"] as? [String: Any])?["label"] as? String }
        var wanted = ["bicubic"]
        for series in ["ddim", "ddim η=1", "ddpm"] {
            for steps in ["1 \(series) step", "3 \(series) steps"] { wanted += [steps, "\(steps) × 2"] }
        }
        #expect(labels == wanted)
        #expect((json["pictures"] as? [Any])?.count == 2 * wanted.count)
        // Nothing is left of the journal.
        #expect(!folder.names.contains { $0.contains("journal") })
    }

    /// A killed run goes on: what the journal has is taken from there and the files are the same.
    @Test func aStoppedRunGoesOn() throws {
        let arguments = [
            "eval", "sr", "--data", "data/waves", "--model", try TestModels.tiny, "--steps", "1,2,40",
            "--csv", "out.csv",
        ]
        try succeed(arguments, in: folder)
        func values() throws -> [Substring] {
            String(decoding: try folder.bytes("out.csv"), as: UTF8.self).split(separator: "\n").map { line in
                // All but the seconds.
                line.prefix(upTo: line.lastIndex(of: ",") ?? line.endIndex)
            }
        }
        let wanted = try values()
        try FileManager.default.removeItem(atPath: folder.file("out.csv"))
        let stopped = try Executable.run(arguments, in: folder.path) { pid in
            let deadline = Date().addingTimeInterval(60)
            // The head, a base line and a method are in.
            while ((try? self.folder.bytes("out.csv.journal")) ?? []).count(where: { $0 == 10 }) < 3,
                Date() < deadline
            { usleep(500) }
            kill(pid, SIGKILL)
        }
        #expect(stopped.status == 137)
        #expect(!folder.exists("out.csv"))
        let lines = try folder.bytes("out.csv.journal").count { $0 == 10 }
        #expect(lines >= 3 && lines < 9)
        try succeed(arguments, in: folder)
        #expect(try values() == wanted)
        #expect(!folder.exists("out.csv.journal"))
    }

    @Test func limitTakesTheFirst() throws {
        try succeed(
            [
                "eval", "sr", "--sets", "waves", "--data", "data", "--model", TestModels.tiny, "--limit", "1",
                "--csv", "out.csv",
            ],
            in: folder, environment: environment)
        let text = String(decoding: try folder.bytes("out.csv"), as: UTF8.self)
        #expect(text.contains("colour"))
        #expect(!text.contains("gray"))
    }

    @Test func failures() throws {
        func expect(_ status: Int32, _ cause: String, _ more: String...) throws {
            try expectFailure(
                ["eval", "sr", "--data", "data", "--model", TestModels.tiny] + more, in: folder,
                status: status,
                naming: cause, environment: environment)
        }
        try expect(73, "absent/out.csv", "--sets", "waves", "--csv", "absent/out.csv")
        try expect(66, "absent.safetensors", "--sets", "waves", "--model", "absent.safetensors")
        try expect(66, "alexnet-owt-7be5be79.pth", "--sets", "waves", "--lpips", "alex")
        try expect(66, "trunk.safetensors", "--sets", "waves", "--squeezenet", "trunk.safetensors")
    }
}
