import Foundation
import ImageFiles
import Tensors
import Testing

/// Files that cannot be read, used or written: one sentence naming the file, nothing left behind.
@Suite("Command line: files in the way")
struct FileErrorTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try TestPictures.waves().write(to: folder.file("in.png"))
        try folder.write("an older result", as: "out.png")
    }

    private func expectSRFailure(
        _ input: String = "in.png", output: String = "out.png", model: String? = nil, status: Int32,
        naming cause: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectFailure(
            ["sr", input, "-o", output, "--model", model ?? TestModels.tiny], in: folder, status: status,
            naming: cause, sourceLocation: sourceLocation)
    }

    // MARK: 65, inputs that are not what they should be

    @Test func damagedPNG() throws {
        // Bytes of the picture's data, then of its header, are flipped.
        for position in [45, 20] {
            var bytes = try folder.bytes("in.png")
            bytes[position] ^= 0xFF
            try folder.write(bytes, as: "damaged.png")
            try expectSRFailure("damaged.png", status: 65, naming: "'damaged.png' is damaged")
        }
    }

    @Test func truncatedPNGAndJPEG() throws {
        for format in ImageFormat.allCases {
            let bytes = try TestPictures.waves(width: 40, height: 40).encoded(as: format)
            try folder.write(Array(bytes.prefix(bytes.count * 2 / 3)), as: "short.\(format)")
            try expectSRFailure("short.\(format)", status: 65, naming: "'short.\(format)' is damaged")
        }
    }

    @Test func textAndEmptyFilesNamedPNG() throws {
        try folder.write("once upon a time", as: "text.png")
        try expectSRFailure("text.png", status: 65, naming: "text.png")
        try folder.write([], as: "empty.png")
        try expectSRFailure("empty.png", status: 65, naming: "empty.png")
    }

    @Test func laterInputsOfSeveral() throws {
        // The first picture is written, the second one's error is told.
        try folder.write("text", as: "text.png")
        let outcome = try Executable.run(
            ["sr", "--model", TestModels.tiny, "in.png", "text.png"], in: folder.path)
        #expect(outcome.status == 65)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("text.png"))
        #expect(folder.names == ["in.png", "in_x4.png", "out.png", "text.png"])
    }

    // MARK: 65, models

    @Test func filesThatAreNoModels() throws {
        try folder.write("weights, allegedly", as: "text.safetensors")
        try expectSRFailure(model: "text.safetensors", status: 65, naming: "text.safetensors")
        try expectSRFailure(model: "./in.png", status: 65, naming: "in.png")
        try SafetensorsWriter.write([("x", Tensor([1, 2]))], to: folder.file("other.safetensors"))
        try expectSRFailure(model: "other.safetensors", status: 65, naming: "other.safetensors")
    }

    @Test func modelWithANaN() throws {
        try TestModels.write(to: folder.file("nan.safetensors")) { weights in
            let last = weights.count - 1
            weights[last].value = try weights[last].value * .nan
        }
        try expectSRFailure(model: "nan.safetensors", status: 65, naming: "NaN")
    }

    @Test func modelCutShort() throws {
        let bytes = try TestModels.folder.get().bytes("tiny.safetensors")
        for count in [bytes.count - 1, bytes.count / 2, 100, 7] {
            try folder.write(Array(bytes.prefix(count)), as: "short.safetensors")
            try expectSRFailure(model: "short.safetensors", status: 65, naming: "short.safetensors")
        }
    }

    @Test func modelWithWrongWeights() throws {
        try TestModels.write(to: folder.file("shape.safetensors")) { weights in
            weights[0].value = try Tensor([1, 2, 3])
        }
        try expectSRFailure(model: "shape.safetensors", status: 65, naming: "shape.safetensors")
        try TestModels.write(to: folder.file("fewer.safetensors")) { $0.removeLast() }
        try expectSRFailure(model: "fewer.safetensors", status: 65, naming: "fewer.safetensors")
        try TestModels.write(to: folder.file("more.safetensors")) { $0.append(("more", try Tensor([1]))) }
        try expectSRFailure(model: "more.safetensors", status: 65, naming: "more.safetensors")
    }

    // MARK: 66, what is not there

    @Test func missingInputs() throws {
        try expectSRFailure("absent.png", status: 66, naming: "absent.png")
        try expectSRFailure("in.png/absent.png", status: 66, naming: "in.png/absent.png")
        try FileManager.default.createDirectory(
            atPath: folder.file("folder.png"), withIntermediateDirectories: false)
        try expectSRFailure("folder.png", status: 66, naming: "folder.png")
    }

    @Test func missingModels() throws {
        try expectSRFailure(model: "absent", status: 66, naming: "'absent'")
        try expectSRFailure(model: "absent.safetensors", status: 66, naming: "absent.safetensors")
        try expectSRFailure(model: "./", status: 66, naming: "./")
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything")) func unreadableFiles() throws {
        for name in ["secret.png", "secret.safetensors"] {
            try folder.write("secret", as: name)
            chmod(folder.file(name), 0)
        }
        // The folder's bytes cannot be compared here.
        for arguments in [["secret.png"], ["in.png", "--model", "secret.safetensors"]] {
            let outcome = try Executable.run(["sr", "--model", TestModels.tiny] + arguments, in: folder.path)
            #expect(outcome.status == 66)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.errors.contains("secret"))
        }
    }

    // MARK: 73, outputs that cannot be made

    @Test func outputIntoAMissingFolder() throws {
        try expectSRFailure(output: "absent/out.png", status: 73, naming: "absent")
        try expectSRFailure(output: "in.png/out.png", status: 73, naming: "in.png/out.png")
        try expectFailure(
            ["sr", "in.png", "--compare", "absent/both.png", "--model", TestModels.tiny], in: folder,
            status: 73,
            naming: "absent")
    }

    @Test func outputThatIsAFolder() throws {
        try FileManager.default.createDirectory(
            atPath: folder.file("folder.png"), withIntermediateDirectories: false)
        try expectSRFailure(output: "folder.png", status: 73, naming: "'folder.png' is a folder")
    }

    /// Not even root can make files in /proc.
    @Test func outputIntoAFolderThatCannotBeWritten() throws {
        try expectSRFailure(output: "/proc/out.png", status: 73, naming: "/proc/out.png")
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere")) func writeProtectedOutputs() throws {
        chmod(folder.file("out.png"), 0o444)
        try expectSRFailure(status: 73, naming: "out.png")
        try FileManager.default.createDirectory(
            atPath: folder.file("closed"), withIntermediateDirectories: false)
        chmod(folder.file("closed"), 0o555)
        defer { chmod(folder.file("closed"), 0o755) }
        try expectSRFailure(output: "closed/out.png", status: 73, naming: "closed")
    }

    // MARK: 74

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func fullDisk() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("full.png"), withDestinationPath: "/dev/full")
        try expectSRFailure(output: "full.png", status: 74, naming: "full.png")
    }
}
