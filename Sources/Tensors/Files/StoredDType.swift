/// The type of one element as it lies in a file, named as the safetensors format names it.
///
/// It says nothing of what the program can compute with; it is only how bytes are laid out
/// (little-endian, as both safetensors and PyTorch write them).
public enum StoredDType: String, Sendable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The largest number of dimensions a stored tensor may have.
    public static let maximumRank = 64

    /// The size of one element, in bytes: 1, 2, 4 or 8.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// The size of a contiguous tensor of this type, in bytes.
    ///
    /// - Parameter shape: the extent of each dimension; empty for a single number.
    /// - Returns: the size, or `nil` where an extent is negative, there are more than
    ///   ``maximumRank`` of them, or the size (taking extents of 0 as 1, so that strides
    ///   are covered too) does not fit in an `Int`.
    public func byteCount(of shape: [Int]) -> Int? {
        guard shape.count <= Self.maximumRank else { return nil }
        var size = byteCount
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (product, overflow) = size.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflow else { return nil }
            size = product
        }
        return shape.contains(0) ? 0 : size
    }
}
