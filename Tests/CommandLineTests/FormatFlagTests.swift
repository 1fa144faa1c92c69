import Foundation
import ImageFiles
import Testing

/// Flags that say how files are decoded and encoded.
@Suite("Command line: formats")
struct FormatFlagTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try TestPictures.waves().write(to: folder.file("in.png"))
    }

    @Test func depth() throws {
        try enlarge("in.png", "-o", "deep.png", "--depth", "16", in: folder)
        let deep = try folder.image("deep.png")
        #expect(deep.bitDepth == 16)
        #expect(deep.samples.contains { $0 % 257 != 0 }, "the network's own depth, not 8 bits stretched")
        try enlarge("deep.png", "-o", "flat.png", "--scale", "1", "--depth", "8", in: folder)
        #expect(try folder.image("flat.png").bitDepth == 8)
        try enlarge("deep.png", "-o", "kept.png", "--scale", "1", in: folder)
        #expect(try folder.image("kept.png").bitDepth == 16)
    }

    @Test func flagsAreTaken() throws {
        try enlarge(
            "in.png", "--progressive", "--compression", "9", "--strip", "--lenient", "--max-pixels", "1.5G",
            in: folder)
        #expect(try folder.image("in_x4.png").width == 28)
        for count in ["35", "0.5k", "400M", "2g"] {
            try enlarge("in.png", "--max-pixels", count, in: folder)
        }
    }

    @Test(arguments: [
        ["--depth", "12"], ["--compression", "10"], ["--compression=-1"], ["--max-pixels", "many"],
        ["--max-pixels", "0"], ["--max-pixels", "1e30"], ["--max-pixels", "nan"], ["--max-pixels", "M"],
        ["--format", "gif"], ["--suffix", "a/b"], ["--output", ""],
    ])
    func wrongValues(arguments: [String]) throws {
        let flag = arguments[0].components(separatedBy: "=")[0]
        try expectFailure(
            ["sr", "in.png", "--model", TestModels.tiny] + arguments, in: folder, status: 64, naming: flag)
    }
}
