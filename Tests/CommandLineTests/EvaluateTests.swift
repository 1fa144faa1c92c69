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
