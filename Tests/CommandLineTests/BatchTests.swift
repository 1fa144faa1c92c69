import Foundation
import ImageFiles
import Testing

/// Many pictures in one run: folders, patterns, failures in between.
@Suite("Command line: many pictures")
struct BatchTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func write(_ names: String..., width: Int = 7) throws {
        for name in names {
            let format = ImageFormat(path: name) ?? .png
            try folder.write(TestPictures.waves(width: width).encoded(as: format), as: name)
        }
    }

    private func run(_ arguments: String...) throws -> Executable.Outcome {
        try Executable.run(["sr", "--model", TestModels.tiny] + arguments, in: folder.path)
    }

    private func expectFailure(
        _ arguments: String..., status: Int32, naming causes: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try CommandLineTests.expectFailure(
            ["sr", "--model", TestModels.tiny] + arguments, in: folder, status: status,
            sourceLocation: sourceLocation)
        for cause in causes {
            #expect(outcome.errors.contains(cause), "\(outcome.errors)", sourceLocation: sourceLocation)
        }
    }

    /// The names of files below a folder.
    private func files(below name: String) -> [String] {
        folder.names.filter { $0.hasPrefix(name + "/") && $0.contains(".") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    // MARK: folders

    @Test func theTreeIsMirrored() throws {
        try write("photos/a.png", "photos/sub/b.jpg", "photos/sub/deep er/c.png")
        for output in ["out", "out/", "new/below"] {
            try enlarge("-r", "photos", "-o", output, in: folder)
            let name = output.hasSuffix("/") ? String(output.dropLast()) : output
            #expect(files(below: name) == ["a.png", "sub/b.png", "sub/deep er/c.png"])
            #expect(try folder.image("\(name)/sub/b.png").width == 28)
        }
        #expect(files(below: "photos") == ["a.png", "sub/b.jpg", "sub/deep er/c.png"])
    }

    /// Foundation traps on the folder of a path of one character.
    @Test func namesMayBeOneCharacterLong() throws {
        try write("p/a.png", "a.png", "b.png")
        try enlarge("-r", "p", "-o", "o", in: folder)
        try enlarge("a.png", "b.png", "-o", "n", in: folder)
        try enlarge("a.png", "-o", "m/", in: folder)
        try enlarge("a.png", "-o", "é/", in: folder)
        try enlarge("a.png", "-o", "é/x.png", in: folder)
        #expect(files(below: "o") == ["a.png"])
        #expect(files(below: "n") == ["a.png", "b.png"])
        #expect(files(below: "m") == ["a.png"])
        #expect(files(below: "é") == ["a.png", "x.png"])
        try expectFailure("a.png", "-o", "e/x.png", status: 73, naming: "'e'")
    }

    @Test func withoutOutputEachLiesBesideItsInput() throws {
        try write("photos/a.png", "photos/sub/b.jpg")
        let lines = try enlarge("--recursive", "photos/", in: folder).outputLines
        #expect(files(below: "photos") == ["a.png", "a_x4.png", "sub/b.jpg", "sub/b_x4.png"])
        #expect(lines.first?.hasPrefix("photos/a.png → photos/a_x4.png: 7×5 → 28×20, ") == true)
        #expect(lines.last?.hasPrefix("2 restored, 0 skipped, 0 failed, ") == true)
    }

    @Test func suffixAndType() throws {
        try write("photos/a.png", "photos/b.JPG")
        try enlarge("-r", "photos", "-o", "same", "--format", "same", in: folder)
        #expect(files(below: "same") == ["a.png", "b.JPG"])
        try enlarge("-r", "photos", "-o", "jpg", "--format", "jpg", "--suffix", " large", in: folder)
        #expect(files(below: "jpg") == ["a large.jpg", "b large.jpg"])
        #expect(try folder.bytes("jpg/a large.jpg").prefix(3) == [0xFF, 0xD8, 0xFF])
        try enlarge("photos/a.png", "--suffix=-big", in: folder)
        #expect(folder.exists("photos/a-big.png"))
    }

    /// The content decides, not the name, and `same` follows the content.
    @Test func namesThatLie() throws {
        try write("photos/really.jpg")
        try folder.write(folder.bytes("photos/really.jpg"), as: "photos/lie.png")
        try folder.write(folder.bytes("photos/really.jpg"), as: "photos/plain")
        try enlarge("-r", "photos", "-o", "out", "--format", "same", in: folder)
        #expect(files(below: "out") == ["lie.jpg", "plain.jpg", "really.jpg"])
    }

    @Test func whatIsNoPictureIsPassedOver() throws {
        try write("photos/a.png", "photos/.hidden.png", "photos/.cache/b.png")
        try folder.write("once upon a time", as: "photos/notes.txt")
        try folder.write("once upon a time", as: "photos/text.png")
        try folder.write([], as: "photos/nothing")
        let outcome = try enlarge("-r", "photos", "-o", "out", in: folder)
        #expect(files(below: "out") == ["a.png"])
        #expect(outcome.outputLines.count == 2)
        #expect(outcome.outputLines.last?.hasPrefix("1 restored, 3 skipped, 0 failed, ") == true)
        // Named outright it is a failure.
        let named = try run("photos/a.png", "photos/notes.txt")
        #expect(named.status == 65)
        #expect(named.errors.contains("photos/notes.txt") && named.errorLines.count == 1)
    }

    @Test func foldersNeedTheFlag() throws {
        try write("photos/a.png", "b.png")
        try expectFailure("photos", status: 66, naming: "'photos'", "--recursive (-r)")
        let outcome = try run("photos", "b.png")
        #expect(outcome.status == 66)
        #expect(outcome.errorLines.count == 1 && outcome.errors.contains("'photos'"))
        #expect(folder.exists("b_x4.png"))
    }

    @Test func emptyFolders() throws {
        try folder.write("text", as: "texts/deep/notes.txt")
        try write("a.png")
        let nothing = try run("-r", "texts")
        #expect(nothing.status == 66)
        #expect(nothing.errors == "restore: there are no pictures in 'texts'\n")
        let some = try run("-r", "texts", "a.png")
        #expect(some.status == 0)
        #expect(some.errors == "restore: there are no pictures in 'texts'\n")
        #expect(folder.exists("a_x4.png"))
    }

    @Test func linksAreFollowedOnce() throws {
        try write("photos/sub/a.png", "elsewhere/b.png", "elsewhere/c.png")
        let links = [
            ("photos/sub/up", ".."), ("photos/self", "."), ("photos/more", "../elsewhere"),
            ("photos/more again", "../elsewhere"), ("photos/link.png", "../elsewhere/c.png"),
        ]
        for (name, target) in links {
            try FileManager.default.createSymbolicLink(
                atPath: folder.file(name), withDestinationPath: target)
        }
        try enlarge("-r", "photos", "-o", "out", in: folder)
        #expect(files(below: "out") == ["link.png", "more/b.png", "more/c.png", "sub/a.png"])
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything")) func unreadableFolders() throws {
        try write("photos/a.png", "photos/closed/b.png", "photos/d.png")
        chmod(folder.file("photos/closed"), 0)
        defer { chmod(folder.file("photos/closed"), 0o755) }
        let outcome = try run("-r", "photos", "-o", "out")
        #expect(outcome.status == 66)
        #expect(outcome.errorLines.count == 1 && outcome.errors.contains("'photos/closed'"))
        #expect(outcome.output.contains("2 restored, 0 skipped, 1 failed, "))
    }

    @Test func overlappingFoldersAreDoneOnce() throws {
        try write("photos/sub/a.png", "photos/b.png")
        for arguments in [["photos", "photos/sub"], ["photos/sub/", "photos"], ["photos", "photos/*.png"]] {
            let outcome = try succeed(
                ["sr", "-r", "--format", "jpg", "--model", TestModels.tiny] + arguments, in: folder)
            #expect(files(below: "photos") == ["b.png", "b_x4.jpg", "sub/a.png", "sub/a_x4.jpg"])
            #expect(outcome.output.contains("2 restored"))
        }
        try enlarge("-r", "photos", "./photos/sub", "photos/.", "-o", "out", in: folder)
        #expect(files(below: "out") == ["b.png", "sub/a.png"])
    }

    // MARK: outputs of earlier runs

    @Test func earlierOutputsAreNoInputs() throws {
        try write("photos/a.png", "photos/b.jpg")
        try enlarge("-r", "photos", in: folder)
        let names = folder.names
        let first = try folder.snapshot()
        for arguments in [["-r", "photos"], ["-r", "photos", "--overwrite"], ["photos/*"]] {
            let again = try succeed(["sr", "--model", TestModels.tiny] + arguments, in: folder)
            #expect(again.output.contains("2 restored (2 overwritten), 2 skipped, 0 failed, "))
            #expect(again.output.contains("photos/a_x4.png: skipped, it is the output of 'photos/a.png'"))
        }
        #expect(folder.names == names)
        #expect(try folder.snapshot() == first)
        // A picture of such a name is an input where the original is not.
        try write("alone/a_x4.png")
        try enlarge("-r", "alone", in: folder)
        #expect(files(below: "alone") == ["a_x4.png", "a_x4_x4.png"])
    }

    @Test func outputFoldersAreNotWalked() throws {
        try write("a.png")
        for _ in 0..<2 { try enlarge("-r", ".", "-o", "out", in: folder) }
        #expect(folder.names == ["a.png", "out", "out/a.png"])
    }

    @Test func existingOutputs() throws {
        try write("a.png", "b.png")
        try folder.write("an older result", as: "a_x4.png")
        let outcome = try enlarge("a.png", "b.png", "--skip-existing", in: folder)
        #expect(try folder.bytes("a_x4.png") == Array("an older result".utf8))
        #expect(try folder.image("b_x4.png").width == 28)
        #expect(outcome.output.contains("a.png: skipped, 'a_x4.png' exists\n"))
        #expect(outcome.output.contains("1 restored, 1 skipped (1 existing), 0 failed, "))
        try enlarge("a.png", "--skip-existing", "-o", "a_x4.png", in: folder)
        #expect(try folder.bytes("a_x4.png") == Array("an older result".utf8))
        try enlarge("a.png", "b.png", in: folder)
        #expect(try folder.image("a_x4.png").width == 28)
        try expectFailure(
            "--overwrite", "--skip-existing", "a.png", status: 64, naming: "--skip-existing")
    }

    @Test func picturesThatReplaceThemselves() throws {
        try write("photos/a.png", "photos/b.png", "c.png")
        for arguments in [["-r", "photos", "-o", "photos"], ["c.png", "--suffix", ""]] {
            try CommandLineTests.expectFailure(
                ["sr", "--model", TestModels.tiny] + arguments, in: folder, status: 64,
                naming: "would replace itself", "--overwrite")
        }
        try enlarge("-r", "photos", "-o", "photos", "--overwrite", in: folder)
        #expect(files(below: "photos") == ["a.png", "b.png"])
        #expect(try folder.image("photos/b.png").width == 28)
        try enlarge("c.png", "-o", "c.png", in: folder)
        #expect(try folder.image("c.png").width == 28)
    }

    // MARK: names that meet

    @Test func namesThatMeetAreRefusedBeforeAnyWork() throws {
        try write("photos/a.png", "photos/a.jpg", "other/a.png", "b.png", "b_x4.png", "c.png")
        try expectFailure("-r", "photos", status: 64, naming: "'photos/a_x4.png'", "twice", "a.jpg", "a.png")
        try expectFailure("photos/a.png", "other/a.png", "-o", "out", status: 64, naming: "'out/a.png'")
        try expectFailure("-r", "photos", "other", "-o", "out/", status: 64, naming: "twice")
        try expectFailure("c.png", "./c.png", status: 64, naming: "c_x4.png", "twice")
        try expectFailure("b.png", "b_x4.png", status: 64, naming: "'b_x4.png'", "itself an input")
        try expectFailure("photos/a.png", "c.png", "-o", "photos", status: 64, naming: "--overwrite")
        try expectFailure("c.png", "--compare", "c.png", status: 64, naming: "'c.png' is the input")
        try enlarge("-r", "photos", "--format", "same", in: folder)
        #expect(files(below: "photos") == ["a.jpg", "a.png", "a_x4.jpg", "a_x4.png"])
    }

    /// Two spellings of é are two names.
    @Test func namesAreBytes() throws {
        try write("photos/\u{E9}.png", "photos/e\u{301}.png")
        let outcome = try enlarge("-r", "photos", "-o", "out", in: folder)
        #expect(outcome.output.contains("2 restored, "))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).count == 2)
    }

    @Test func outputFolders() throws {
        try write("a.png", "b.png")
        try folder.write("text", as: "file")
        try enlarge("a.png", "b.png", "-o", "made/for it", in: folder)
        #expect(files(below: "made/for it") == ["a.png", "b.png"])
        try enlarge("a.png", "-o", "single/", in: folder)
        #expect(files(below: "single") == ["a.png"])
        try enlarge("b.png", "-o", "single", in: folder)
        #expect(files(below: "single") == ["a.png", "b.png"])
        try expectFailure("a.png", "b.png", "-o", "file", status: 73, naming: "'file' is a file")
        try expectFailure("a.png", "b.png", "-o", "x.png", status: 64, naming: "--output", "'x.png'")
        try expectFailure("a.png", "b.png", "-o", "-", status: 64, naming: "--output -")
        try expectFailure("a.png", "b.png", "-o", "file/sub", status: 73, naming: "'file' is a file")
    }

    @Test func patterns() throws {
        try write("a.png", "b.png", "c.jpg", "[d].png")
        try folder.write("text", as: "note.png")
        try FileManager.default.createDirectory(
            atPath: folder.file("f.png"), withIntermediateDirectories: false)
        let outcome = try enlarge("*.png", "-o", "out", in: folder)
        #expect(files(below: "out") == ["[d].png", "a.png", "b.png"])
        #expect(outcome.output.contains("3 restored, 2 skipped, 0 failed, "))
        try enlarge("[d].png", in: folder)
        #expect(folder.exists("[d]_x4.png"))
        try expectFailure("x*.png", status: 66, naming: "no file matches 'x*.png'")
        let texts = try run("note.*")
        #expect(texts.status == 66)
        #expect(texts.errors == "restore: there are no pictures among the inputs\n")
    }

    // MARK: failures

    @Test func aFailureInTheMiddle() throws {
        try write("photos/a.png", "photos/c.png", "photos/d.png")
        try folder.write(folder.bytes("photos/a.png").dropLast(30), as: "photos/b.png")
        let outcome = try run("-r", "photos", "-o", "out")
        #expect(outcome.status == 65)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.hasPrefix("restore: 'photos/b.png' is damaged"))
        #expect(files(below: "out") == ["a.png", "c.png", "d.png"])
        #expect(outcome.output.contains("3 restored, 0 skipped, 1 failed, "))
    }

    @Test func theStatusOfSeveralFailures() throws {
        try write("a.png")
        try folder.write("text", as: "text.png")
        let missing = try run("absent.png", "a.png", "gone.png")
        #expect(missing.status == 66)
        #expect(
            missing.errorLines == [
                "restore: there is no file 'absent.png'", "restore: there is no file 'gone.png'",
            ])
        #expect(folder.exists("a_x4.png"))
        #expect(try run("absent.png", "a.png", "text.png").status == 65)
        // Empty, but called a picture.
        try folder.write([], as: "photos/empty.png")
        #expect(try run("-r", "photos").status == 65)
    }

    @Test func aModelThatFailsEndsTheRun() throws {
        try write("a.png", "b.png")
        try CommandLineTests.expectFailure(
            ["sr", "a.png", "b.png", "--model", "absent.safetensors"], in: folder, status: 66,
            naming: "absent.safetensors")
        try expectFailure("a.png", "b.png", "--steps", "2001", status: 64, naming: "--steps")
    }

    // MARK: interruption

    /// Waits until the run has finished a picture.
    private func waitForOutput(_ name: String) -> (pid_t) throws -> Void {
        { _ in
            for _ in 0..<60_000 {
                if folder.exists(name) { return }
                usleep(2000)
            }
            throw Executable.Failure("'\(name)' never came")
        }
    }

    private func interruptedRun(signal: Int32) throws -> Executable.Outcome {
        try write("photos/a.png", width: 4)
        for name in ["b", "c", "d"] { try write("photos/\(name).png", width: 200) }
        return try Executable.run(
            ["sr", "-r", "photos", "-o", "out", "--steps", "1000", "--model", TestModels.tiny],
            in: folder.path, signal: signal, interruption: waitForOutput("out/a.png"))
    }

    @Test func interruptKeepsWhatIsComplete() throws {
        let outcome = try interruptedRun(signal: SIGINT)
        #expect(outcome.status == 130)
        let done = files(below: "out")
        #expect(outcome.errors == "restore: interrupted; \(done.count) of 4 pictures were finished\n")
        #expect(done.first == "a.png" && done.count < 4)
        for name in done { #expect(try folder.image("out/\(name)").height == 20) }
    }

    @Test func aKilledRunLeavesWholeFiles() throws {
        #expect(try interruptedRun(signal: SIGKILL).status == 128 + SIGKILL)
        let done = files(below: "out").filter { !$0.hasPrefix(".") }
        #expect(done.first == "a.png" && done.count < 4)
        for name in done { #expect(try folder.image("out/\(name)").height == 20) }
    }

    @Test func interruptWhileAPipeSendsNothing() throws {
        let pipe = folder.file("pipe.png")
        #expect(mkfifo(pipe, 0o600) == 0)
        let outcome = try Executable.run(
            ["sr", "pipe.png", "-o", "out.png", "--model", TestModels.tiny], in: folder.path,
            interruption: Executable.waitUntilCatchingInterrupt)
        #expect(outcome.status == 130)
        #expect(folder.names == ["pipe.png"])
    }

    // MARK: deblurring

    @Test func samplesAreMirroredToo() throws {
        try write("photos/a.png", "photos/sub/a.png")
        for _ in 0..<2 {
            try succeed(
                [
                    "deblur", "-r", "photos", "--samples", "2", "--keep-samples", "photos/all", "--model",
                    TestModels.tinyDeblur,
                ], in: folder)
        }
        #expect(
            files(below: "photos") == [
                "a.png", "a_deblurred.png", "all/a_sample1.png", "all/a_sample2.png",
                "all/sub/a_sample1.png", "all/sub/a_sample2.png", "sub/a.png", "sub/a_deblurred.png",
            ])
    }

    @Test(arguments: ["--compare", "--uncertainty"]) func whatGoesWithOnePicture(flag: String) throws {
        try write("photos/a.png")
        try CommandLineTests.expectFailure(
            [
                "deblur", "-r", "photos", flag, "x.png", "--samples", "2", "--model",
                TestModels.tinyDeblur,
            ], in: folder, status: 64, naming: "\(flag) goes with one picture")
    }

    /// A picture comes out the same, whatever came before it.
    @Test func companyChangesNothing() throws {
        try write("photos/a.png", "photos/b.png", width: 30)
        try write("photos/c.png", width: 90)
        try enlarge("-r", "photos", "-o", "all", "--threads", "2", in: folder)
        try enlarge("photos/c.png", "-o", "alone.png", "--threads", "2", in: folder)
        #expect(try folder.bytes("all/c.png") == folder.bytes("alone.png"))
    }
}
