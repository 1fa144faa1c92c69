import Tensors

/// Feature vectors of patches of pictures, for distances between sets of few pictures: a set of
/// fourteen pictures has too few whole-picture vectors for one.
public struct PatchFeatures: Sendable {
    public let network: any FeatureNetwork
    /// Pixels of a patch's side.
    public static let side = 64
    /// Patches along an axis, at most; they lie evenly and do not overlap.
    public static let countPerAxis = 4

    public init(_ network: any FeatureNetwork) { self.network = network }

    /// The vectors of one picture.
    ///
    /// - Parameter picture: 1×C×H×W in [-1, 1], C = 1 or 3.
    /// - Returns: N×D, float32, on the CPU, N up to 16; nil where the picture is smaller than a patch.
    /// - Throws: ``TensorError`` where a value is not finite.
    public func callAsFunction(_ picture: Tensor) throws -> Tensor? {
        let (rows, columns) = (Self.starts(picture.shape[2]), Self.starts(picture.shape[3]))
        let vectors = try rows.flatMap { y in
            try columns.map { x in
                try network.features(
                    of: picture.narrowed(2, start: y, count: Self.side)
                        .narrowed(3, start: x, count: Self.side))
            }
        }
        return vectors.isEmpty ? nil : try Tensor.stacked(vectors).to(.float32)
    }

    /// Where patches begin along an axis of that length.
    static func starts(_ length: Int) -> [Int] {
        let count = Swift.min(length / side, countPerAxis)
        guard count > 1 else { return count == 1 ? [(length - side) / 2] : [] }
        return (0..<count).map { $0 * (length - side) / (count - 1) }
    }
}
