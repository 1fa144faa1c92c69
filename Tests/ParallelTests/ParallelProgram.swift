import Foundation
import MPILauncher

/// `parallel-check`, which lies beside the tests, started by a launcher.
enum ParallelProgram {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    static func run(
        _ mode: String..., by launcher: MPILauncher, ranks: Int, environment: [String: String] = [:]
    ) throws -> Outcome {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = [own, CommandLine.arguments[0]].map { ($0 as NSString).deletingLastPathComponent }
        let program = folders.map { "\($0)/parallel-check" }
            .first(where: FileManager.default.isExecutableFile(atPath:))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: launcher.path ?? "")
        process.arguments = launcher.arguments(ranks: ranks) + [program ?? "parallel-check"] + mode
        process.environment = ProcessInfo.processInfo.environment
            .merging(["OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""]) { $1 }
            .merging(environment) { $1 }
        let pipes = (output: Pipe(), errors: Pipe())
        (process.standardOutput, process.standardError) = (pipes.output, pipes.errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // Both ends are short enough for a pipe's buffer.
        let output = try pipes.output.fileHandleForReading.readToEnd() ?? Data()
        let errors = try pipes.errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self))
    }
}
