import Foundation
import ImageFiles
import Testing

@Suite("Command line: evaluate")
struct EvaluateTests {
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
                "evaluate", "--sets", "waves", "--data", "data", "--model", TestModels.tiny, "--steps", "1,2",
                "--csv", "out.csv",
            ],
            in: folder, environment: environment)
        let methods = outcome.outputLines.dropFirst(2).map {
            $0.split(separator: "|")[1].trimmingCharacters(in: .whitespaces)
        }
        #expect(methods == ["bicubic", "ddim 1", "ddim 2"])
        let lines = String(decoding: try folder.bytes("out.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.first == "set,picture,method,psnr_y,ssim_y,sfd,lr_consistency_db,colour_shift")
        let rows = lines.dropFirst().map { $0.split(separator: ",") }
        #expect(
            rows.map { "\($0[1]) \($0[2])" }
                == ["bicubic", "ddim 1", "ddim 2"].flatMap { method in
                    ["colour", "gray", "mean"].map { "\($0) \(method)" }
                })
        for row in rows {
            let numbers = row.dropFirst(3).map { Double($0) ?? .nan }
            #expect(numbers[0] > 10 && numbers[0] < 60, "\(row)")
            #expect(numbers[1] > 0 && numbers[1] <= 1, "\(row)")
            // Consistency is made for the model's outputs.
            if row[2] != "bicubic" { #expect(numbers[3] > 45, "\(row)") }
        }
        // The mean is that of the two pictures.
        let psnr = rows.prefix(3).map { Double($0[3]) ?? .nan }
        #expect(abs((psnr[0] + psnr[1]) / 2 - psnr[2]) < 2e-4)
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
                "evaluate", "--model", TestModels.tinyDeblur, "--blurred", "blurred", "--sharp", "sharp",
                "--samples", "1,3", "--csv", "out.csv",
            ], in: folder)
        let methods = outcome.outputLines.dropFirst(2).map {
            $0.split(separator: "|")[1].trimmingCharacters(in: .whitespaces)
        }
        #expect(methods == ["input", "predictor", "2 ddim steps", "2 ddim steps × 3"])
        let lines = String(decoding: try folder.bytes("out.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.first == "set,picture,method,psnr_rgb,gain_db,ssim_y,sfd,colour_shift")
        let rows = lines.dropFirst().map { $0.split(separator: ",").map(String.init) }
        func number(_ method: String, _ column: Int) throws -> Double {
            try #require(rows.first { $0[1] == "one" && $0[2] == method }.flatMap { Double($0[column]) })
        }
        let input = try number("input", 3)
        #expect(try number("input", 4) == 0 && input > 15 && input < 45)
        for method in ["predictor", "2 ddim steps", "2 ddim steps × 3"] {
            #expect(abs(try number(method, 3) - input - number(method, 4)) < 2e-4)
        }
        // Random samples: their mean is closer to the middle than one of them.
        #expect(try number("2 ddim steps × 3", 3) > number("2 ddim steps", 3))
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
                    "evaluate", "--model", TestModels.tinyDeblur, "--blurred", "moved", "--sharp", "sharp",
                    "--align", align,
                ], in: folder)
            return outcome.outputLines[2].split(separator: "|")[2].trimmingCharacters(in: .whitespaces)
        }
        #expect(try psnr("4") == "inf")
        #expect(try #require(Double(psnr("0"))) < 40)
    }

    @Test func deblurringFlagsAreForDeblurring() throws {
        for (flag, value) in [("--align", "2"), ("--perception", "0.5"), ("--max-noise", "0.5")] {
            try expectFailure(
                ["evaluate", "--sets", "waves", "--data", "data", "--model", TestModels.tiny, flag, value],
                in: folder, status: 64, naming: flag, environment: environment)
        }
        try expectFailure(
            ["evaluate", "--model", TestModels.tinyDeblur, "--blurred", "x"], in: folder, status: 64,
            naming: "--sharp")
        try expectFailure(
            ["evaluate", "--model", TestModels.tinyDeblur, "--data", "data"], in: folder, status: 64,
            naming: "--sets")
        try expectFailure(
            ["evaluate", "--model", TestModels.tinyDeblur, "--sets", "waves", "--data", "data"], in: folder,
            status: 65, naming: "no blur pictures", environment: environment)
    }

    @Test func limitTakesTheFirst() throws {
        try succeed(
            [
                "evaluate", "--sets", "waves", "--data", "data", "--model", TestModels.tiny, "--limit", "1",
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
                ["evaluate", "--data", "data", "--model", TestModels.tiny] + more, in: folder, status: status,
                naming: cause, environment: environment)
        }
        try expect(73, "absent/out.csv", "--sets", "waves", "--csv", "absent/out.csv")
        try expect(66, "absent.safetensors", "--sets", "waves", "--model", "absent.safetensors")
        try expect(66, "trunk.safetensors", "--sets", "waves", "--squeezenet", "trunk.safetensors")
    }
}
