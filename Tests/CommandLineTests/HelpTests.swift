import Foundation
import Testing

@Suite("Command line: help")
struct HelpTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// `Expected/NAME.txt`, made with `COLUMNS=80 restore ... --help`.
    @Test(arguments: [
        ("restore", ["--help"]), ("restore", ["help"]), ("restore", []), ("sr", ["sr", "--help"]),
        ("deblur", ["deblur", "--help"]),
    ])
    func helpIsAsExpected(name: String, arguments: [String]) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Expected/\(name).txt").path
        let expected = try String(contentsOfFile: path, encoding: .utf8)
        #expect(try succeed(arguments, in: folder).output == expected)
    }

    static let commands = [
        "", "sr", "deblur", "degrade", "degrade blur", "degrade sr", "train", "eval", "eval sr",
        "eval deblur", "sweep", "sweep sr", "sweep deblur", "metrics", "niqe-fit", "models",
        "models list", "models show", "models export", "import", "export", "datasets",
        "datasets list", "datasets check", "benchmark",
    ]

    @Test(arguments: commands) func everyCommandHasHelp(command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let help = try succeed(words + ["--help"], in: folder).output
        #expect(help.hasPrefix("OVERVIEW: "))
        #expect(help.contains("USAGE: " + (["restore"] + words).joined(separator: " ")))
        // Examples stand with the commands of the first rank.
        if words.count <= 1 { #expect(help.contains("Example")) }
        for line in help.split(separator: "\n") where !line.hasPrefix("USAGE") {
            #expect(line.count <= 80, "\(line)")
        }
    }

    /// Lines of a discussion that are too long are broken by force, which spoils the examples.
    @Test(arguments: commands) func examplesAreWholeLines(command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let narrow = try succeed(words + ["--help"], in: folder).output
        let wide = try succeed(words + ["--help"], in: folder, environment: ["COLUMNS": "500"]).output
        func discussion(_ help: String) -> String { help.components(separatedBy: "\nUSAGE: ")[0] }
        let lines = discussion(wide).split(separator: "\n").dropFirst()
        #expect(discussion(narrow).split(separator: "\n").suffix(lines.count) == lines)
    }

    @Test func versionIsANumber() throws {
        let output = try succeed(["--version"], in: folder).output
        #expect(output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil, "\(output)")
        #expect(try succeed(["sr", "--version"], in: folder).output == output)
    }

    @Test(arguments: [
        ("bash", ["_restore()", "complete -o filenames -F _restore restore"]), ("zsh", ["#compdef restore"]),
        ("fish", ["complete -c 'restore'"]),
    ])
    func completionScripts(shell: String, parts: [String]) throws {
        let script = try succeed(["--generate-completion-script", shell], in: folder).output
        for part in parts + ["datasets", "consistency", "ddpm"] { #expect(script.contains(part), "\(part)") }
        #expect(script.count > 1000)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/bash")))
    func bashUnderstandsItsCompletionScript() throws {
        try folder.write(
            try succeed(["--generate-completion-script", "bash"], in: folder).output, as: "completion.bash")
        let bash = Process()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        bash.arguments = ["-n", folder.file("completion.bash")]
        try bash.run()
        bash.waitUntilExit()
        #expect(bash.terminationStatus == 0)
    }

    @Test func unknownShellsAreRefused() throws {
        try expectFailure(["--generate-completion-script", "csh"], in: folder, status: 64, naming: "csh")
    }

    @Test(arguments: [["enlarge"], ["models", "paint"], ["datasets", "fetch"], ["--bogus"]])
    func unknownCommandsAreRefused(arguments: [String]) throws {
        try expectFailure(arguments, in: folder, status: 64, naming: arguments[arguments.count - 1])
    }
}
