import Foundation

/// The Python interpreter that has PyTorch, where there is one: `RESTORE_PYTHON`, else the
/// package's own `.deps/venv/bin/python`.
enum FilesTestPython {
    static let missing = "no Python with PyTorch: set RESTORE_PYTHON or make .deps/venv"

    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["RESTORE_PYTHON"] { return path }
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        return root.appendingPathComponent(".deps/venv/bin/python").path
    }()

    static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: path) }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs a script and returns what it prints.
    static func run(_ script: String, _ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard process.terminationStatus == 0 else { throw Failure(description: text) }
        return text
    }
}
