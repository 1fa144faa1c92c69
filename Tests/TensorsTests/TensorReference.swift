import PythonReference
import Testing

@testable import Tensors

/// The functions of Fixtures/tensor_references.py.
enum TensorReference {
    static let isAvailable = PythonReference.python != nil
    static let missing = Comment(rawValue: PythonReference.missing)

    /// What `function` makes of the tensors.
    static func results(
        of function: String, _ tensors: [(name: String, value: Tensor)], _ arguments: [Double]
    ) throws -> SafetensorsFile {
        try PythonReference.results(
            of: "TensorsTests/Fixtures/tensor_references.py", leading: [function], tensors,
            trailing: arguments.map { "\($0)" })
    }
}
