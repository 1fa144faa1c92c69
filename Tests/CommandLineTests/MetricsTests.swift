import Foundation
import ImageFiles
import Testing

@Suite("Command line: metrics")
struct MetricsCommandTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        let gray = [UInt16](repeating: 100, count: 20 * 16)
        for (name, level) in [("originals/a", 0), ("originals/b", 0), ("outputs/a", 0), ("outputs/b_x4", 10)]
        {
            let image = try Image(
                width: 20, height: 16, channels: 1, bitDepth: 8, samples: gray.map { $0 + UInt16(level) })
            try folder.write(image.encoded(as: .png), as: "\(name).png")
        }
    }

    /// Ten gray levels apart is a PSNR of 20 log₁₀(255/10) dB; equal pictures have an infinite one.
    @Test func foldersAreMeasuredByName() throws {
        let outcome = try succeed(["metrics", "outputs", "originals", "--csv", "out.csv"], in: folder)
        #expect(outcome.outputLines.first?.hasPrefix("Protocol: 8-bit pictures, no border left out") == true)
        let lines = String(decoding: try folder.bytes("out.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.first == "set,picture,method,psnr_rgb,psnr_y,ssim_y,sfd,colour_shift")
        let rows = lines.dropFirst().map { $0.split(separator: ",").map(String.init) }
        #expect(rows.map { $0[1] } == ["a", "b_x4"])
        #expect(rows[0][3...5] == ["inf", "inf", "1.00000"])
        #expect(rows[1][3] == String(format: "%.4f", 20 * log10(25.5)))
        #expect(rows[1][7] == "10.0000")
        #expect(outcome.outputLines.last?.hasPrefix("| mean of 2 |") == true)
    }

    @Test func refusals() throws {
        try folder.write(TestPictures.waves(width: 21, height: 16).encoded(as: .png), as: "wide.png")
        try expectFailure(
            ["metrics", "wide.png", "originals/a.png"], in: folder, status: EX_DATAERR,
            naming: "'wide.png' has 21×16 pixels and 'originals/a.png' 20×16")
        try expectFailure(
            ["metrics", "outputs/a.png", "originals/a.png", "--border", "8"], in: folder,
            status: EX_DATAERR, naming: "a border of 8 pixels leaves nothing")
        try expectFailure(
            ["metrics", "wide.png", "originals"], in: folder, status: EX_USAGE,
            naming: "must both be files or both be folders")
        try expectFailure(
            ["metrics", "none.png", "originals/a.png"], in: folder, status: EX_NOINPUT,
            naming: "there is no file or folder 'none.png'")
    }

    /// What a picture is too small for is not a number, and the rest is measured.
    @Test func onePixel() throws {
        try folder.write(TestPictures.waves(width: 1, height: 1).encoded(as: .png), as: "dot.png")
        let outcome = try succeed(["metrics", "dot.png", "dot.png"], in: folder)
        #expect(outcome.outputLines.last?.contains("| inf | inf | nan | nan | 0.000 |") == true)
    }
}
