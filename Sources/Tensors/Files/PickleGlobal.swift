/// The only Python names that a checkpoint may mention. Each stands for a shape of data
/// that ``PickleMachine`` builds itself.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storageType(StoredDType)

    /// - Throws: an `.unsupported` defect naming a name that is not one of these.
    init(module: String, name: String) throws(FileDefect) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", _):
            guard let dtype = Self.storageTypes[name] else { fallthrough }
            self = .storageType(dtype)
        default:
            throw .unsupported(
                "it asks for the Python object \(quoted(module + "." + name)); only tensors, numbers, text, "
                    + "lists and dictionaries are read, and nothing in the file is ever run")
        }
    }

    private static let storageTypes: [String: StoredDType] = [
        "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
        "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
        "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    ]
}
