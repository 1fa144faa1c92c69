import Foundation
import Testing

@Suite("Command line: datasets")
struct DatasetsTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        for name in ["a.png", "b.png", "z.png"] {
            try folder.write("picture \(name)", as: "data/test/waves/\(name)")
        }
        try folder.write("something else", as: "data/test/waves/notes.txt")
    }

    static func manifest(_ name: String, layout: String = "[]") -> String {
        """
        name: \(name)
        title: The \(name)
        description: >-
          Pictures of \(name).
        use: test
        licence: CC0-1.0
        homepage: https://example.org/\(name)
        layout: \(layout)
        """
    }

    private func check(
        count: Int, sha256: String? = nil, path: String = "test/waves/*.png", name: String = "waves"
    ) throws -> Executable.Outcome {
        let digest = sha256.map { ", sha256: \($0)" } ?? ""
        try folder.write(
            Self.manifest("waves", layout: "[{role: hr, path: '\(path)', count: \(count)\(digest)}]"),
            as: "manifests/waves.yaml")
        return try Executable.run(
            ["datasets", "check", name, "--data", "data"], in: folder.path,
            environment: ["RESTORE_DATASETS": folder.file("manifests")])
    }

    /// The digest as Datasets/README.md tells to make it in a shell.
    private func digest() throws -> String {
        let shell = Process()
        let pipe = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "sha256sum test/waves/*.png | LC_ALL=C sort | sha256sum"]
        shell.currentDirectoryURL = URL(fileURLWithPath: folder.file("data"))
        shell.standardOutput = pipe
        try shell.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        return String(text.prefix(64))
    }

    @Test func soundCopies() throws {
        let digest = try digest()
        #expect(digest.count == 64)
        let checked = try check(count: 3, sha256: digest)
        #expect(checked.status == 0, "\(checked.errors)")
        #expect(checked.output == "ok      hr  test/waves/*.png: 3 files, checksum agrees\n")
        let counted = try check(count: 3)
        #expect(counted.status == 0)
        #expect(counted.output == "ok      hr  test/waves/*.png: 3 files; the manifest has no checksum\n")
    }

    private func expectDifference(_ outcome: Executable.Outcome, _ finding: String) {
        #expect(outcome.status == 65)
        #expect(outcome.outputLines.count == 1)
        #expect(outcome.output.hasPrefix("DIFFERS hr"))
        #expect(outcome.output.contains(finding), "\(outcome.output)")
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("'waves'"))
    }

    @Test func wrongCount() throws {
        expectDifference(try check(count: 4, sha256: digest()), "3 files, expected 4")
    }

    @Test func wrongChecksum() throws {
        let digest = try digest()
        try folder.write("picture a.pnG", as: "data/test/waves/a.png")
        expectDifference(try check(count: 3, sha256: digest), "checksum")
    }

    @Test func renamedFilesChangeTheChecksum() throws {
        let digest = try digest()
        try FileManager.default.moveItem(
            atPath: folder.file("data/test/waves/z.png"), toPath: folder.file("data/test/waves/y.png"))
        expectDifference(try check(count: 3, sha256: digest), "checksum")
    }

    @Test func missingFiles() throws {
        expectDifference(try check(count: 3, path: "test/tides/*.png"), "no files")
    }

    @Test(arguments: ["tides", "../waves", "", "waves.yaml"]) func unknownNames(name: String) throws {
        let outcome = try check(count: 3, name: name)
        #expect(outcome.status == 65)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("'\(name)'"))
    }

    @Test func unreadableManifests() throws {
        try folder.write("name: [unfinished", as: "manifests/broken.yaml")
        try expectFailure(
            ["datasets", "check", "broken", "--data", "data"], in: folder, status: 65, naming: "broken.yaml",
            environment: ["RESTORE_DATASETS": folder.file("manifests")])
    }

    /// The manifests that come with the program are found from anywhere.
    @Test func listNamesTheKnownSets() throws {
        let output = try succeed(["datasets"], in: folder).output
        for name in ["set14", "bsd100", "gopro"] {
            #expect(output.contains("\n\(name)  ") || output.hasPrefix("\(name)  "))
        }
        #expect(try succeed(["datasets", "list"], in: folder).output == output)
    }

    @Test func dataIsAlsoFoundByTheEnvironment() throws {
        try folder.write(
            Self.manifest("waves", layout: "[{role: hr, path: 'test/waves/*.png', count: 3}]"),
            as: "manifests/waves.yaml")
        let environment = ["RESTORE_DATASETS": folder.file("manifests"), "RESTORE_DATA": folder.file("data")]
        #expect(
            try succeed(["datasets", "check", "waves"], in: folder, environment: environment).output
                .hasPrefix("ok"))
    }
}
