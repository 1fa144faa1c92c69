import Foundation
import PythonReference

/// Python snippets that read and write the files that are tested.
enum FilesTestPython {
    static let missing = PythonReference.missing
    static let isAvailable = PythonReference.python != nil

    /// Runs a script and returns what it prints.
    static func run(_ script: String, _ arguments: String...) throws -> String {
        guard let python = PythonReference.python else {
            throw PythonReference.Failure(description: missing)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard process.terminationStatus == 0 else { throw PythonReference.Failure(description: text) }
        return text
    }
}
