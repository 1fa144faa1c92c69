/// Finds what someone may have meant.
enum NearestName {
    /// The name with the fewest changed letters, if those are few; letter case counts for little.
    static func of(_ word: String, among names: [String]) -> String? {
        guard word.count <= 64 else { return nil }
        let lower = Array(word.lowercased())
        let limit = max(1, lower.count / 3)
        let best = names.map { (name: $0, distance: distance(lower, Array($0.lowercased()))) }
            .min { $0.distance < $1.distance }
        return best.flatMap { $0.distance <= limit ? $0.name : nil }
    }

    /// Insertions, deletions and substitutions (Levenshtein), and neighbours exchanged, each counted once.
    static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
