import Foundation
import ImageFiles
import Testing

/// Standard input and output as pictures.
@Suite("Command line: pipes")
struct PipeTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try TestPictures.waves().write(to: folder.file("in.png"))
        try enlarge("in.png", "-o", "wanted.png", in: folder)
    }

    private func run(_ arguments: String..., input: [UInt8]? = nil) throws -> Executable.Outcome {
        try Executable.run(["sr", "--model", TestModels.tiny] + arguments, in: folder.path, input: input)
    }

    @Test func fromStandardInputToStandardOutput() throws {
        let input = try folder.bytes("in.png")
        for arguments in [["-"], ["-", "-o", "-"]] {
            let outcome = try Executable.run(
                ["sr", "--model", TestModels.tiny] + arguments, in: folder.path, input: input)
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            #expect(try outcome.outputBytes == folder.bytes("wanted.png"))
        }
        #expect(folder.names == ["in.png", "wanted.png"])
    }

    @Test func fromAndToFiles() throws {
        let out = try run("in.png", "-o", "-")
        #expect(try out.outputBytes == folder.bytes("wanted.png"))
        let into = try run("-", "-o", "out.png", input: folder.bytes("in.png"))
        #expect(into.status == 0 && into.output.hasPrefix("- → out.png: 7×5 → 28×20, "))
        #expect(try folder.bytes("out.png") == folder.bytes("wanted.png"))
    }

    @Test func typesOnStandardOutput() throws {
        let jpeg = try TestPictures.waves().encoded(as: .jpeg)
        let start: [UInt8] = [0xFF, 0xD8, 0xFF]
        #expect(try run("in.png", "-o", "-", "--format", "jpg").outputBytes.starts(with: start))
        try folder.write(jpeg, as: "in.jpg")
        #expect(try run("in.jpg", "-o", "-", "--format", "same").outputBytes.starts(with: start))
        #expect(try run("-", input: jpeg).outputBytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }

    /// Larger than what a pipe holds.
    @Test func longInput() throws {
        try TestPictures.waves(width: 300, height: 200).write(to: folder.file("long.png"))
        let bytes = try folder.bytes("long.png")
        #expect(bytes.count > 1 << 16)
        let outcome = try run("-", "--scale", "1", input: bytes)
        #expect(outcome.status == 0)
        #expect(try Image.decoded(from: outcome.outputBytes, name: "output").width == 300)
    }

    @Test func whatIsNoPicture() throws {
        for input in [
            Array("once upon a time, and long ago".utf8), [], [UInt8](repeating: 0, count: 1 << 20),
        ] {
            let outcome = try run("-", input: input)
            #expect(outcome.status == 65)
            #expect(outcome.outputBytes.isEmpty)
            #expect(outcome.errorLines.count == 1 && outcome.errors.contains("standard input"))
        }
        let short = try run("-", input: folder.bytes("in.png").dropLast(40))
        #expect(short.status == 65 && short.errors.contains("'standard input' is damaged"))
    }

    @Test func wrongUse() throws {
        func expect(_ cause: String, _ arguments: String...) throws {
            try expectFailure(
                ["sr", "--model", TestModels.tiny] + arguments, in: folder, status: 64, naming: cause)
        }
        try expect("standard input", "-", "in.png")
        try expect("standard input", "-", "-")
        try expect("--json", "in.png", "-o", "-", "--json")
        try expect("--json", "-", "--json")
        try expect("file name", "-", "-o", "folder/")
    }

    @Test func terminalsAreNotWrittenTo() throws {
        // ioctl's TIOCSPTLCK and TIOCGPTN, macros that do not reach Swift.
        let (unlocking, number): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
        var (locked, index): (Int32, Int32) = (0, 0)
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(
            master >= 0 && ioctl(master, unlocking, &locked) == 0 && ioctl(master, number, &index) == 0)
        defer { close(master) }
        let slave = open("/dev/pts/\(index)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(slave >= 0)
        let terminal = FileHandle(fileDescriptor: slave, closeOnDealloc: true)
        let outcome = try Executable.run(
            ["sr", "in.png", "-o", "-", "--model", TestModels.tiny], in: folder.path, output: terminal)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("terminal") && outcome.errorLines.count == 1)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func fullStandardOutput() throws
    {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let outcome = try Executable.run(
            ["sr", "in.png", "-o", "-", "--model", TestModels.tiny], in: folder.path, output: full)
        #expect(outcome.status == 74)
        #expect(outcome.errors.contains("standard output") && outcome.errorLines.count == 1)
    }
}
