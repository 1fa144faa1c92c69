import Foundation
import Testing

@testable import Tensors

/// Runs a script of a Fixtures folder with the Python that has PyTorch (``FilesTestPython``);
/// tensors go there and back in safetensors files.
enum PythonReference {
    static let missing = Comment(rawValue: FilesTestPython.missing)

    /// What `function` of Fixtures/tensor_references.py makes of the tensors.
    static func results(
        of function: String, _ tensors: [(name: String, value: Tensor)], _ arguments: [Double]
    ) throws -> SafetensorsFile {
        let folder = try FilesTestFolder()
        let (source, target) = (folder.file("in.safetensors"), folder.file("out.safetensors"))
        try SafetensorsWriter.write(tensors, to: source)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/tensor_references.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: FilesTestPython.path)
        process.arguments = [script.path, function, source, target] + arguments.map { "\($0)" }
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"]) { $1 }
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw FilesTestPython.Failure(description: text) }
        return try SafetensorsFile(path: target)
    }
}
