import Foundation

/// A program of the system that a test compares with, if it is installed.
struct Program {
    private let url: URL

    /// Nil when no folder of PATH holds it.
    init?(_ name: String) {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let paths = folders.map { "\($0)/\(name)" }
        guard let path = paths.first(where: FileManager.default.isExecutableFile) else { return nil }
        url = URL(fileURLWithPath: path)
    }

    struct Failure: Error {
        var arguments: [String]
        var status: Int32
        var message: String
    }

    /// What it writes to its standard output.
    func run(_ arguments: [String]) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        // Files rather than pipes, which fill up when nobody reads both at once.
        for name in ["out", "err"] { _ = try folder.write([], as: name) }
        let process = Process()
        process.executableURL = url
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file("out")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file("err")))
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                arguments: arguments, status: process.terminationStatus,
                message: String(decoding: try folder.bytes(of: "err"), as: UTF8.self))
        }
        return try folder.bytes(of: "out")
    }
}
