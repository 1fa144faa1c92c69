import Foundation
import Testing

@testable import Training

struct ValidationCurveTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func text() -> String? {
        FileManager.default.contents(atPath: "\(folder.path)/validation.csv")
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func row(_ step: Int) -> [(name: String, value: String)] {
        [("step", "\(step)"), ("psnr_mean", "27.5")]
    }

    @Test func aResumedCurveReadsAsOneRun() throws {
        var curve = try ValidationCurve(folder: folder.path, resuming: nil)
        #expect(curve.lastStep == nil && text() == nil)
        for step in [10, 20, 30] { try curve.append(row(step)) }
        #expect(curve.lastStep == 30)
        #expect(text() == "step,psnr_mean\n10,27.5\n20,27.5\n30,27.5\n")

        // What is later than the checkpoint is dropped at once.
        curve = try ValidationCurve(folder: folder.path, resuming: 20)
        #expect(curve.lastStep == 20)
        #expect(text() == "step,psnr_mean\n10,27.5\n20,27.5\n")
        try curve.append(row(25))
        #expect(text() == "step,psnr_mean\n10,27.5\n20,27.5\n25,27.5\n")

        // A checkpoint that is newer takes nothing away; one that is older than all rows takes the file.
        #expect(try ValidationCurve(folder: folder.path, resuming: 99).lastStep == 25)
        #expect(try ValidationCurve(folder: folder.path, resuming: 5).lastStep == nil)
        #expect(text() == nil)
    }

    @Test func aNewRunBeginsItsCurveAnew() throws {
        try folder.write("step,psnr_mean\n10,27.5\n", to: "validation.csv")
        var curve = try ValidationCurve(folder: folder.path, resuming: nil)
        #expect(curve.lastStep == nil && text() == nil)
        try curve.append(row(1))
        #expect(text() == "step,psnr_mean\n1,27.5\n")
    }
}
