extension SafetensorsFile {
    /// The tensor of a name on the CPU, or nil when the file has none.
    public func tensor(_ name: String) throws -> Tensor? {
        guard let entry = entry(name) else { return nil }
        return try withBytes(of: name) {
            try Tensor(bytes: $0, shape: entry.shape, dtype: DType(entry.dtype))
        }
    }
}

extension PyTorchCheckpoint {
    /// The tensor of a name on the CPU, or nil when the file has none.
    public func tensor(_ name: String) throws -> Tensor? {
        guard let entry = entry(name) else { return nil }
        return try bytes(of: name).withUnsafeBytes {
            try Tensor(bytes: $0, shape: entry.shape, dtype: DType(entry.dtype))
        }
    }
}

extension SafetensorsWriter {
    /// Writes tensors of any device; see ``write(_:metadata:to:)``.
    // An empty literal fits both overloads: the one of plain sources is meant.
    @_disfavoredOverload
    public static func write(
        _ tensors: [(name: String, value: Tensor)], metadata: [String: String] = [:], to path: String
    ) throws {
        try write(TensorSource.sources(tensors), metadata: metadata, to: path)
    }
}

extension TensorSource {
    /// Tensors of any device, whose bytes are fetched when they are written.
    public static func sources(_ tensors: [(name: String, value: Tensor)]) -> [TensorSource] {
        tensors.map { name, value in
            TensorSource(name: name, dtype: value.dtype.stored, shape: value.shape) { sink in
                try value.bytes().withUnsafeBytes(sink)
            }
        }
    }
}
