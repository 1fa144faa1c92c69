/// What one tile covers along one axis.
///
/// A tile sees `input`; of what it predicts there only `output` is used, because a prediction near the
/// edge of the input lacks what lies beyond. Where the outputs of two tiles overlap they are blended: the
/// weights of both fall and rise linearly and sum to 1 at every pixel.
public struct TileSpan: Sendable, Equatable {
    public let input: Range<Int>
    public let output: Range<Int>
    /// Pixels at the start of `output` that it shares with the tile before; 0 for the first.
    public let head: Int
    /// Pixels at the end of `output` that it shares with the tile after; 0 for the last.
    public let tail: Int

    /// Where the tile before has no more say: up to there a pass from the start is finished.
    public var end: Int { output.upperBound - tail }

    /// The weight of each pixel of `output`.
    public var weights: [Float] {
        let count = output.count
        return (0..<count).map { index in
            let rising = index < head ? (Float(index) + 0.5) / Float(head) : 1
            let falling = count - index <= tail ? (Float(count - index) - 0.5) / Float(tail) : 1
            return rising * falling
        }
    }
}
