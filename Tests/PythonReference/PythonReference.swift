import Foundation
import Tensors

/// Runs the scripts of Fixtures folders with the Python that has PyTorch; tensors go there and back
/// in safetensors files. Shared by the test targets.
public enum PythonReference {
    /// `RESTORE_PYTHON`, else the package's `.deps/venv/bin/python`; nil where there is none.
    public static let python: String? = {
        let path =
            ProcessInfo.processInfo.environment["RESTORE_PYTHON"]
            ?? root.appendingPathComponent(".deps/venv/bin/python").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    public static let missing = "no Python with PyTorch: set RESTORE_PYTHON or make .deps/venv"

    /// The package's folder.
    public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    /// What `Tests/SCRIPT LEADING… INPUT OUTPUT TRAILING…` makes of the tensors.
    public static func results(
        of script: String, leading: [String] = [], _ tensors: [(name: String, value: Tensor)],
        trailing: [String] = []
    ) throws -> SafetensorsFile {
        guard let python else { throw Failure(description: missing) }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "restore-python-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appendingPathComponent("in.safetensors").path
        let target = folder.appendingPathComponent("out.safetensors").path
        try SafetensorsWriter.write(tensors, to: source)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments =
            [root.appendingPathComponent("Tests/\(script)").path] + leading + [source, target] + trailing
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"]) { $1 }
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: text) }
        // The file is mapped: it may be removed while it is open.
        return try SafetensorsFile(path: target)
    }
}
