/// What a file says of one tensor, short of its bytes.
///
/// A value of this type comes only from a file that has been checked, so `shape` has no
/// negative extent and its size fits in an `Int`.
public struct StoredTensor: Sendable, Equatable {
    /// The name under which the file keeps the tensor.
    public let name: String

    /// The type of each element.
    public let dtype: StoredDType

    /// The extent of each dimension, slowest first; empty for a single number.
    public let shape: [Int]

    /// The size of the tensor's contiguous bytes.
    public let byteCount: Int

    /// The number of elements: the product of `shape`, 1 where it is empty.
    public var elementCount: Int { byteCount / dtype.byteCount }

    /// Returns `nil` where the shape is impossible; see ``StoredDType/byteCount(of:)``.
    init?(name: String, dtype: StoredDType, shape: [Int]) {
        guard let byteCount = dtype.byteCount(of: shape) else { return nil }
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.byteCount = byteCount
    }
}
