/// A tensor waiting to be written: what to call it, and how to get at its bytes.
public struct TensorSource {
    /// Takes the next run of a tensor's bytes.
    public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    /// The name the file will keep the tensor under; not `__metadata__`.
    public let name: String

    /// The type of each element.
    public let dtype: StoredDType

    /// The extent of each dimension, slowest first; empty for a single number.
    public let shape: [Int]

    /// Hands the tensor's bytes to the sink.
    let produce: (Sink) throws -> Void

    /// A tensor whose bytes are fetched only when its turn to be written comes, so that a
    /// large model need never be in memory twice.
    ///
    /// - Parameter produce: hands the tensor's contiguous, row-major, little-endian bytes to
    ///   the sink, at once or in runs. What the sink throws must be let through.
    public init(
        name: String, dtype: StoredDType, shape: [Int],
        produce: @escaping (_ sink: Sink) throws -> Void
    ) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.produce = produce
    }

    /// A tensor whose bytes are at hand: contiguous, row-major, little-endian.
    public init(name: String, dtype: StoredDType, shape: [Int], bytes: [UInt8]) {
        self.init(name: name, dtype: dtype, shape: shape) { sink in
            try bytes.withUnsafeBytes { try sink($0) }
        }
    }
}
