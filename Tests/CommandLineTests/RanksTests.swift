import Foundation
import ImageFiles
import MPILauncher
import Testing

/// Several ranks of `restore` on this machine, under each MPI that is installed.
@Suite("Command line: ranks", .serialized, .enabled(if: MPILauncher.isAvailable, "\(MPILauncher.missing)"))
struct RanksTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func write(_ names: String..., width: Int = 7) throws {
        for name in names {
            let format = ImageFormat(path: name) ?? .png
            try folder.write(TestPictures.waves(width: width).encoded(as: format), as: name)
        }
    }

    private func run(
        _ arguments: [String], by launcher: MPILauncher, ranks: Int = 2, environment: [String: String] = [:],
        signal: Int32 = SIGINT, interruption: ((pid_t) throws -> Void)? = nil
    ) throws -> Executable.Outcome {
        try Executable.run(
            launcher.arguments(ranks: ranks) + [Executable.path.get()] + arguments, in: folder.path,
            environment: environment, copy: launcher.path, signal: signal, interruption: interruption)
    }

    /// What the program itself said on standard error; launchers add words of their own.
    private func sentences(_ outcome: Executable.Outcome) -> [String] {
        outcome.errorLines.filter { $0.hasPrefix("restore: ") }.map(String.init)
    }

    private func withoutTimes(_ text: String) -> String {
        text.replacing(/"seconds" ?: ?[0-9.e-]+/, with: "\"seconds\":0").replacing(/, [0-9.]+ s/, with: "")
    }

    // MARK: batches

    @Test(arguments: MPILauncher.available) func picturesAreSharedOut(_ launcher: MPILauncher) throws {
        try write("photos/a.png", "photos/sub/b.jpg", "photos/d.png")
        try write("photos/c.png", width: 30)
        try folder.write("no picture", as: "photos/text.txt")
        let arguments = ["sr", "--model", try TestModels.tiny, "-r", "photos"]
        for flags in [[], ["--json"]] {
            let alone = try Executable.run(arguments + ["-o", "out"] + flags, in: folder.path)
            let expected = try folder.snapshot().filter { $0.key.hasPrefix("out/") }
            try FileManager.default.removeItem(atPath: folder.file("out"))
            #expect(alone.status == 0 && expected.count == 5)
            for ranks in [2, 6] {
                let outcome = try run(arguments + ["-o", "out"] + flags, by: launcher, ranks: ranks)
                #expect(outcome.status == 0, "\(outcome.errors)")
                // One account, in the order of the inputs, whoever did what.
                #expect(withoutTimes(outcome.output) == withoutTimes(alone.output))
                #expect(try folder.snapshot().filter { $0.key.hasPrefix("out/") } == expected)
                try FileManager.default.removeItem(atPath: folder.file("out"))
            }
        }
    }

    @Test(arguments: MPILauncher.available) func onePictureFails(_ launcher: MPILauncher) throws {
        try write("photos/a.png", "photos/c.png", "photos/d.png")
        try folder.write(Array(folder.bytes("photos/a.png").prefix(60)), as: "photos/b.png")
        let arguments = ["deblur", "--model", try TestModels.tinyDeblur, "-r", "photos", "-o", "out"]
        let alone = try Executable.run(arguments, in: folder.path)
        try FileManager.default.removeItem(atPath: folder.file("out"))
        let outcome = try run(arguments, by: launcher)
        #expect(alone.status == 65 && outcome.status == 65)
        // MPICH's launcher says there, too, that the program failed.
        #expect(withoutTimes(outcome.output).hasPrefix(withoutTimes(alone.output)))
        #expect(sentences(outcome) == alone.errorLines.map(String.init))
        #expect(folder.exists("out/a.png") && folder.exists("out/d.png") && !folder.exists("out/b.png"))
    }

    @Test(arguments: MPILauncher.available) func refusalsAreToldOnce(_ launcher: MPILauncher) throws {
        try write("a/x.png", "b/x.png")
        let model = try TestModels.tiny
        let cases: [([String], Int32)] = [
            (["sr", "--model", model, "a/x.png", "b/x.png", "-o", "out/"], 64),
            (["sr", "--model", "absent.safetensors", "a/x.png", "b/x.png"], 66),
            (["sr", "--no-such-flag", "a/x.png"], 64), (["sr", "absent.png"], 66),
            (["eval", "sr", "--model", model, "--data", "absent"], 65),
        ]
        for (arguments, status) in cases {
            let alone = try Executable.run(arguments, in: folder.path)
            let outcome = try run(arguments, by: launcher)
            #expect(outcome.status == status && alone.status == status, "\(arguments) \(outcome.errors)")
            #expect(sentences(outcome) == sentences(alone), "\(arguments)")
            #expect(sentences(outcome).count == 1, "\(arguments)")
        }
        let help = try run(["sr", "--help"], by: launcher)
        #expect(help.status == 0)
        #expect(help.output == (try Executable.run(["sr", "--help"], in: folder.path)).output)
    }

    // MARK: evaluation

    @Test(arguments: MPILauncher.available) func anEvaluationIsThatOfOneRank(_ launcher: MPILauncher) throws {
        for (index, name) in ["a", "b", "c"].enumerated() {
            let hr = try TestPictures.waves(width: 48 + 8 * index, height: 48)
            try folder.write(hr.encoded(as: .png), as: "data/hr/\(name).png")
            try folder.write(
                hr.resized(width: hr.width / 4, height: 12).encoded(as: .png), as: "data/lr/\(name).png")
        }
        let arguments = [
            "eval", "sr", "--model", try TestModels.tiny, "--data", "data", "--steps", "1,2", "--samples",
            "1,2", "--threads", "1", "--json", "out.json",
        ]
        let alone = try Executable.run(arguments, in: folder.path)
        let document = try String(contentsOfFile: folder.file("out.json"), encoding: .utf8)
        try FileManager.default.removeItem(atPath: folder.file("out.json"))
        try #require(alone.status == 0, "\(alone.errors)")
        for ranks in [2, 4] {
            let outcome = try run(arguments, by: launcher, ranks: ranks)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let other = try String(contentsOfFile: folder.file("out.json"), encoding: .utf8)
            #expect(withoutTimes(other) == withoutTimes(document))
            #expect(folder.names.filter { $0.contains("journal") }.isEmpty)
        }
    }

    /// Every file of a folder as text, without seconds; of pictures the bytes.
    private func contents(of name: String) throws -> [String: String] {
        try folder.snapshot().filter { $0.key.hasPrefix("\(name)/") }.mapValues { bytes in
            guard let text = String(bytes: bytes, encoding: .utf8) else { return "\(bytes)" }
            return withoutTimes(text)
                .replacing(/"secondsPerPicture":[0-9.e-]+/, with: "")
                .replacing(/<td data-value="[^"]*">[^<]*<\/td><\/tr>/, with: "</tr>")
        }
    }

    /// Of a table that is printed or written, all but the last column, the seconds.
    private func withoutLastColumn(_ text: String, _ separator: Character) -> [Substring] {
        text.split(separator: "\n").map { line in
            let end = line.hasSuffix(" |") ? line.dropLast(2) : line
            return end.prefix(upTo: end.lastIndex(of: separator) ?? end.endIndex)
        }
    }

    @Test(arguments: MPILauncher.available) func aSweepIsThatOfOneRank(_ launcher: MPILauncher) throws {
        for (index, name) in ["a", "b", "c"].enumerated() {
            let sharp = try TestPictures.waves(width: 40 + 8 * index, height: 32)
            try folder.write(sharp.encoded(as: .png), as: "pairs/sharp/\(name).png")
            try folder.write(
                sharp.resized(width: 20, height: 16).resized(width: sharp.width, height: 32).encoded(
                    as: .png),
                as: "pairs/blur/\(name).png")
        }
        let arguments = [
            "sweep", "deblur", "--model", try TestModels.tinyDeblur, "--data", "pairs", "--steps", "1,2",
            "--samples", "1,2", "--threads", "1", "-o", "out",
        ]
        let table = "out/curve.csv"
        func result(_ outcome: Executable.Outcome) throws -> (files: [String: String], tables: [Substring]) {
            #expect(outcome.status == 0, "\(outcome.errors)")
            var files = try contents(of: "out")
            let csv = files.removeValue(forKey: table) ?? ""
            return (files, withoutLastColumn(csv, ",") + withoutLastColumn(outcome.output, "|"))
        }
        let alone = try result(Executable.run(arguments, in: folder.path))
        #expect(alone.tables.count >= 1 + 6)
        // Of three pictures the original and six points.
        #expect(alone.files.keys.count { $0.hasPrefix("out/crops/") } == 3 * 7)
        for ranks in [2, 4] {
            try FileManager.default.removeItem(atPath: folder.file("out"))
            let shared = try result(run(arguments, by: launcher, ranks: ranks))
            #expect(Set(shared.files.keys) == Set(alone.files.keys))
            for (name, text) in alone.files { #expect(shared.files[name] == text, "\(name)") }
            #expect(shared.tables == alone.tables)
        }
        // Stopped on two ranks it goes on with any number of them: here is what two journals hold then.
        let journal = "out/measurements.jsonl"
        let lines = String(decoding: try folder.bytes(journal), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 1 + 3 * 4)
        for ranks in [1, 2] {
            try folder.write(lines.prefix(5).joined(separator: "\n") + "\n", as: journal)
            try folder.write(
                (lines.prefix(1) + lines.dropFirst(7)).joined(separator: "\n") + "\n",
                as: "\(journal).rank1")
            try FileManager.default.removeItem(atPath: folder.file(table))
            let resumed = try result(
                ranks == 1
                    ? Executable.run(arguments, in: folder.path) : run(arguments, by: launcher, ranks: ranks))
            #expect(resumed.files == alone.files)
            #expect(resumed.tables == alone.tables)
        }
        try folder.write("a file", as: "taken")
        let refused = try run(arguments + ["-o", "taken"], by: launcher)
        #expect(refused.status == 73 && sentences(refused).count == 1, "\(refused.errors)")
    }

    // MARK: training

    /// Processes of ours below a launcher, by rank.
    private func waitForRanks(_ count: Int, under launcher: pid_t) throws -> [Int: pid_t] {
        for _ in 0..<60_000 {
            var found: [Int: pid_t] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
                guard let process = pid_t(name), process > launcher,
                    let program = try? FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/\(name)/exe"), (program as NSString).lastPathComponent == "restore",
                    let folder = try? FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/\(name)/cwd"), folder == self.folder.path,
                    let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ")
                else { continue }
                let words = environment.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                for key in ["OMPI_COMM_WORLD_RANK=", "PMI_RANK="] {
                    guard let word = words.first(where: { $0.hasPrefix(key) }) else { continue }
                    found[Int(word.dropFirst(key.count)) ?? -1] = process
                }
            }
            if found.count == count { return found }
            usleep(2000)
        }
        throw Executable.Failure("the ranks never came")
    }

    private func writeRun() throws {
        for name in ["a", "b", "c"] {
            try folder.write(
                TestPictures.waves(width: 40, height: 36).encoded(as: .png), as: "photos/\(name).png")
        }
        try folder.write(TrainTests.recipe(steps: 1_000_000), as: "tiny.yaml")
    }

    private let train = ["train", "tiny.yaml", "--data", "photos", "--output", "run"]

    /// Whatever ends one rank ends all, and somebody says which.
    @Test(arguments: MPILauncher.available) func aKilledRankEndsTheRun(_ launcher: MPILauncher) throws {
        try writeRun()
        let outcome = try run(train, by: launcher, signal: 0) { process in
            let ranks = try waitForRanks(2, under: process)
            let second = try #require(ranks[1])
            try Executable.waitUntilCatchingInterrupt(second)
            kill(second, SIGKILL)
        }
        #expect(outcome.status != 0)
        // Open MPI names the rank, MPICH the process.
        #expect((outcome.errors + outcome.output).contains("signal 9"), "\(outcome.errors)")
        if launcher == .openMPI { #expect(outcome.errors.contains("rank 1")) }
        #expect(sentences(outcome).isEmpty, "\(outcome.errors)")
        #expect(!folder.exists("run/tiny.safetensors"))
    }

    /// What batch systems send ahead of the end saves on all ranks.
    @Test(arguments: MPILauncher.available) func aSignalSavesAndStops(_ launcher: MPILauncher) throws {
        try writeRun()
        let outcome = try run(train, by: launcher, signal: SIGUSR1) { process in
            for rank in try waitForRanks(2, under: process).values {
                try Executable.waitUntilCatchingInterrupt(rank)
            }
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.outputLines.count == 1 && outcome.output.hasPrefix("stopped after "))
        #expect(folder.exists("run/checkpoint.safetensors") && folder.exists("run/tiny.safetensors"))
        // And goes on, alone if need be; without --resume it is refused, once.
        let refused = try run(train, by: launcher)
        #expect(refused.status == 65 && sentences(refused).count == 1)
        #expect(sentences(refused).first?.contains("already holds a run") == true)
    }

    // MARK: MPI itself

    /// Nobody who works on one machine needs MPI.
    @Test func aPlainStartLoadsNoMPI() throws {
        try write("a.png")
        let arguments = ["sr", "--model", try TestModels.tiny, "a.png", "-q"]
        let spy = ["LD_DEBUG": "files"]
        let alone = try Executable.run(arguments, in: folder.path, environment: spy)
        #expect(alone.status == 0)
        #expect(alone.errors.contains("libtorch_cpu") && !alone.errors.contains("libmpi"))
        let launcher = try #require(MPILauncher.available.first)
        let one = try run(arguments, by: launcher, ranks: 1, environment: spy)
        #expect(one.status == 0 && one.errors.contains("libtorch_cpu"))
        #expect(!one.errors.contains("libmpi") && !one.errors.contains("libmpich"))
    }

    @Test(arguments: MPILauncher.available) func noUsableLibrary(_ launcher: MPILauncher) throws {
        try write("a.png")
        let outcome = try run(
            ["sr", "--model", TestModels.tiny, "a.png"], by: launcher,
            environment: ["RESTORE_MPI": "libnothing.so"])
        #expect(outcome.status == 69)
        // MPICH's launcher ends nobody before MPI has started: each rank says it.
        #expect(sentences(outcome).count == (launcher == .mpich ? 2 : 1))
        #expect(
            sentences(outcome).first?.hasPrefix(
                "restore: mpirun started 2 ranks, but no MPI library can be used (libnothing.so: ") == true)
        #expect(!folder.exists("a_x4.png"))
    }
}
