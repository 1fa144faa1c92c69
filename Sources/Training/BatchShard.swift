/// A part of a step's batch: what one of several workers has, or one of several turns.
///
/// Whoever works on a part draws the numbers of the whole batch and uses its own, so that the parts
/// together are the batch that one worker would have had in one turn.
struct BatchShard: Equatable {
    /// Of the whole batch.
    let batchSize: Int
    /// 0..<count.
    let index: Int
    let count: Int

    init(_ batchSize: Int, index: Int = 0, of count: Int = 1) {
        self.batchSize = batchSize
        self.index = index
        self.count = count
    }

    /// Which samples of the batch belong to it.
    var range: Range<Int> { (batchSize * index / count)..<(batchSize * (index + 1) / count) }

    /// One of `turns` parts of this part, for gradient accumulation.
    func turn(_ turn: Int, of turns: Int) -> BatchShard {
        BatchShard(batchSize, index: index * turns + turn, of: count * turns)
    }
}
