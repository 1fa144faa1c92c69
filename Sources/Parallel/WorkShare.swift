/// Shares out pieces of work of unequal size.
public enum WorkShare {
    /// The rank of each piece: the largest first, each to the rank with least to do so far (Graham,
    /// "Bounds on multiprocessing timing anomalies", 1969: at most 4/3 of the best possible time).
    /// The same on every rank.
    public static func ranks(of costs: [Double], size: Int) -> [Int] {
        var ranks = [Int](repeating: 0, count: costs.count)
        var loads = [Double](repeating: 0, count: max(1, size))
        let order = costs.indices.sorted { costs[$0] == costs[$1] ? $0 < $1 : costs[$0] > costs[$1] }
        for index in order {
            let rank = loads.indices.min { loads[$0] < loads[$1] } ?? 0
            ranks[index] = rank
            loads[rank] += costs[index]
        }
        return ranks
    }
}
