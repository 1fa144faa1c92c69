import Degradation
import ImageTensors
import Tensors

/// A kernel while it is looked for: not centred to fractions of a pixel.
struct KernelGuess: Sendable, Equatable {
    /// Odd, pixels.
    private(set) var side: Int
    /// Row by row.
    private(set) var values: [Float]

    init(side: Int, values: [Float]) { (self.side, self.values) = (side, values) }

    /// What a search begins with.
    static let first = KernelGuess(side: 3, values: [0, 0, 0, 0.3, 0.4, 0.3, 0, 0, 0])

    /// Longer side of the box around the values above 0, pixels.
    var boxSide: Int {
        let held = values.indices.filter { values[$0] > 0 }
        func length(_ places: [Int]) -> Int { (places.max() ?? 0) - (places.min() ?? 0) }
        return max(length(held.map { $0 / side }), length(held.map { $0 % side }))
    }

    /// With zeros around it, or without its edge.
    func croppedOrPadded(side wanted: Int) -> KernelGuess {
        var fitted = [Float](repeating: 0, count: wanted * wanted)
        let offset = (wanted - side) / 2
        for row in max(0, -offset)..<min(side, wanted - offset) {
            for column in max(0, -offset)..<min(side, wanted - offset) {
                fitted[(row + offset) * wanted + column + offset] = values[row * side + column]
            }
        }
        return KernelGuess(side: wanted, values: fitted)
    }

    /// The same kernel at a finer scale; not cleaned.
    func enlarged(side wanted: Int) throws -> KernelGuess {
        let large = try Tensor(values, shape: [1, 1, side, side]).resized(height: wanted, width: wanted)
        return KernelGuess(side: wanted, values: try large.floats())
    }

    var kernel: BlurKernel { get throws { try BlurKernel(side: side, values: values) } }

    // MARK: cleaning

    /// Without negative and small values and islands of little weight, of sum 1; all in the middle if nothing is left.
    ///
    /// - Parameters:
    ///   - threshold: values below this part of the largest are dropped.
    ///   - leastIsland: islands with less than this part of the weight are; 0 leaves all.
    func cleaned(threshold: Double, leastIsland: Double) -> KernelGuess {
        var guess = self
        let largest = guess.values.max() ?? 0
        let least = max(0, Float(threshold) * largest)
        for index in guess.values.indices where !(guess.values[index] >= least) { guess.values[index] = 0 }
        let total = guess.values.reduce(0, +)
        guard total > 0, total.isFinite else { return .middle(side: side) }
        for island in guess.islands {
            let share = island.reduce(0) { $0 + guess.values[$1] } / total
            if share < Float(leastIsland) { for index in island { guess.values[index] = 0 } }
        }
        let rest = guess.values.reduce(0, +)
        guard rest > 0 else { return .middle(side: side) }
        guess.values = guess.values.map { $0 / rest }
        return guess
    }

    private static func middle(side: Int) -> KernelGuess {
        var values = [Float](repeating: 0, count: side * side)
        values[values.count / 2] = 1
        return KernelGuess(side: side, values: values)
    }

    /// Indices of the values above 0, by neighbourhood of eight.
    private var islands: [[Int]] {
        var seen = values.map { $0 <= 0 }
        var found: [[Int]] = []
        for start in values.indices where !seen[start] {
            seen[start] = true
            var island = [start]
            var next = 0
            while next < island.count {
                let (row, column) = (island[next] / side, island[next] % side)
                next += 1
                for y in max(0, row - 1)...min(side - 1, row + 1) {
                    for x in max(0, column - 1)...min(side - 1, column + 1) where !seen[y * side + x] {
                        seen[y * side + x] = true
                        island.append(y * side + x)
                    }
                }
            }
            found.append(island)
        }
        return found
    }

    // MARK: centring

    /// Moved by whole pixels so that the centroid lies in the middle.
    var centred: KernelGuess { moved(by: centring) }

    /// How far the middle is from the centroid, whole pixels.
    var centring: (down: Int, right: Int) {
        var (y, x) = (0.0, 0.0)
        for index in values.indices {
            y += Double(values[index]) * Double(index / side)
            x += Double(values[index]) * Double(index % side)
        }
        return (side / 2 - Int(y.rounded()), side / 2 - Int(x.rounded()))
    }

    /// What leaves enters at the other side.
    func moved(by move: (down: Int, right: Int)) -> KernelGuess {
        var moved = self
        for index in values.indices {
            let row = (index / side + move.down + side) % side
            let column = (index % side + move.right + side) % side
            moved.values[row * side + column] = values[index]
        }
        return moved
    }
}
