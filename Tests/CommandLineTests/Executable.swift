import Foundation

/// The built `restore`, run as a user would run it.
enum Executable {
    /// Tests/CommandLineTests/Executable.swift is two folders below the package's root.
    static let packageRoot = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// RESTORE_EXECUTABLE, else what was built beside the tests, else an earlier build.
    static let path: Result<String, Failure> = {
        if let given = ProcessInfo.processInfo.environment["RESTORE_EXECUTABLE"] {
            return FileManager.default.isExecutableFile(atPath: given)
                ? .success(given)
                : .failure(Failure("RESTORE_EXECUTABLE is '\(given)', which is no executable"))
        }
        var folders: [String] = []
        if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            folders.append((own as NSString).deletingLastPathComponent)
        }
        folders.append((CommandLine.arguments[0] as NSString).deletingLastPathComponent)
        folders += [".build-test/release", ".build/release"].map { "\(packageRoot)/\($0)" }
        let candidates = folders.map { "\($0)/restore" }
        guard let found = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            return .failure(Failure("there is no built restore among \(candidates.joined(separator: ", "))"))
        }
        return .success(found)
    }()

    /// A copy of the program in a folder that is made, with what is wanted of the files beside it.
    ///
    /// - Parameter isWanted: given a file's name; the program itself is always copied.
    /// - Returns: the copy's path.
    static func copy(into folder: String, with isWanted: (String) -> Bool = { _ in false }) throws -> String {
        let built = try URL(fileURLWithPath: path.get()).resolvingSymlinksInPath()
        let source = built.deletingLastPathComponent()
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in try manager.contentsOfDirectory(atPath: source.path) where isWanted(name) {
            try manager.copyItem(
                atPath: source.appendingPathComponent(name).path, toPath: "\(folder)/\(name)")
        }
        try manager.copyItem(atPath: built.path, toPath: "\(folder)/restore")
        return "\(folder)/restore"
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// What a run left: its exit status, and what it printed.
    struct Outcome {
        /// The exit status; 128 + N for a program ended by signal N that it did not catch.
        var status: Int32
        var outputBytes: [UInt8]
        var errors: String

        var output: String { String(decoding: outputBytes, as: UTF8.self) }

        var outputLines: [Substring] { output.split(separator: "\n") }
        var errorLines: [Substring] {
            errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        }
    }

    /// Runs the program to its end.
    ///
    /// - Parameters:
    ///   - folder: the working directory.
    ///   - environment: added to this process's own, without its RESTORE_ variables.
    ///   - copy: another executable than ``path``.
    ///   - input: what comes through a pipe on standard input; nothing if nil.
    ///   - output: what standard output is, in place of a file.
    ///   - interruption: when to send the signal, if at all.
    /// - Throws: ``Failure`` when the program does not end in five minutes.
    static func run(
        _ arguments: [String], in folder: String, environment: [String: String] = [:], copy: String? = nil,
        input: [UInt8]? = nil, output: FileHandle? = nil, signal: Int32 = SIGINT,
        interruption: ((pid_t) throws -> Void)? = nil
    ) throws -> Outcome {
        let streams = try TestFolder()
        let files = try ["output", "errors"].map { name in
            try streams.write("", as: name)
            return try FileHandle(forWritingTo: URL(fileURLWithPath: streams.file(name)))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try copy ?? path.get())
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("RESTORE_") }
        // The same everywhere: no GPU, one thread unless --threads says otherwise, a narrow terminal, nothing kept
        // from before.
        variables.merge([
            "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "COLUMNS": "80",
            "XDG_CACHE_HOME": streams.file("cache"),
        ]) { $1 }
        process.environment = variables.merging(environment) { $1 }
        let pipe = input.map { _ in Pipe() }
        if let pipe { process.standardInput = pipe } else { process.standardInput = FileHandle.nullDevice }
        process.standardOutput = output ?? files[0]
        process.standardError = files[1]
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        // A child inherits the thread's mask, and threads that run tests may block signals.
        var interrupt = sigset_t()
        var mask = sigset_t()
        sigemptyset(&interrupt)
        for number in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&interrupt, number) }
        pthread_sigmask(SIG_UNBLOCK, &interrupt, &mask)
        defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }
        try process.run()
        if let pipe, let input {
            Thread.detachNewThread {
                // A program that refuses its input closes the pipe early, which must not end the tests.
                var brokenPipe = sigset_t()
                sigemptyset(&brokenPipe)
                sigaddset(&brokenPipe, SIGPIPE)
                pthread_sigmask(SIG_BLOCK, &brokenPipe, nil)
                try? pipe.fileHandleForWriting.write(contentsOf: Data(input))
                try? pipe.fileHandleForWriting.close()
            }
        }
        let command = "restore " + arguments.joined(separator: " ")
        do {
            if let interruption {
                try interruption(process.processIdentifier)
                kill(process.processIdentifier, signal)
            }
            guard ended.wait(timeout: .now() + 300) == .success else {
                throw Failure("'\(command)' did not end in five minutes")
            }
        } catch {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            throw error
        }
        for file in files { try file.close() }
        let bytes = try ["output", "errors"].map { try streams.bytes($0) }
        let ownEnd = process.terminationReason == .exit
        return Outcome(
            status: ownEnd ? process.terminationStatus : 128 + process.terminationStatus,
            outputBytes: bytes[0], errors: String(decoding: bytes[1], as: UTF8.self))
    }

    /// Waits until a running program has a handler of its own for SIGINT, as /proc tells.
    static func waitUntilCatchingInterrupt(_ process: pid_t) throws {
        let mask = UInt64(1) << (UInt64(SIGINT) - 1)
        for _ in 0..<60_000 {
            guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else {
                break
            }
            let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
            let caught = line.flatMap {
                UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16)
            }
            if (caught ?? 0) & mask != 0 { return }
            usleep(2000)
        }
        throw Failure("the program never came to catch SIGINT")
    }
}
