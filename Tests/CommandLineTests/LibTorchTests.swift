import Foundation
import Testing

/// libtorch is large: it is loaded by what needs tensors, and by nothing else.
@Suite("Command line: libtorch")
struct LibTorchTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test(arguments: [
        (["--help"], 0), (["--version"], 0), (["sr", "--help"], 0),
        (["--generate-completion-script", "bash"], 0),
        (["--bogus"], 64), (["sr", "--scale", "0", "in.png"], 64), (["models", "list"], 0),
        (["datasets", "list"], 0),
    ])
    func isNotLoadedInVain(arguments: [String], status: Int) throws {
        let outcome = try Executable.run(arguments, in: folder.path, environment: ["LD_DEBUG": "files"])
        #expect(outcome.status == Int32(status))
        // The loader tells of every file that it opens, so this one shows that it was listened to.
        #expect(outcome.errors.contains("libc.so"))
        #expect(!outcome.errors.contains("libtorch_cpu"))
    }

    /// The executable by itself, and beside a library that is none.
    @Test(arguments: [nil, "not a library"]) func whatCannotBeLoadedIsNamed(library: String?) throws {
        let copy = try Executable.copy(into: folder.file("bin"))
        try library.map { try folder.write($0, as: "bin/librestore-torch.so") }
        try TestPictures.waves().write(to: folder.file("in.png"))
        let before = try folder.snapshot()
        let outcome = try Executable.run(
            ["sr", "--model", TestModels.tiny, "in.png"], in: folder.path, copy: copy)
        #expect(outcome.status == 69)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1)
        let place = library == nil ? "" : folder.file("bin/")
        #expect(outcome.errors.hasPrefix("restore: libtorch cannot be loaded: \(place)librestore-torch.so: "))
        #expect(try folder.snapshot() == before)
    }
}
