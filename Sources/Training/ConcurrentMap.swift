import Foundation

/// What `body` makes of each index below `count`, in their order, several at a time.
///
/// - Parameters:
///   - workers: how many threads take indices; one that is done takes the next.
///   - prepare: called once on each of them before the first.
func concurrentMap<Element: Sendable>(
    _ count: Int, workers: Int, prepare: @Sendable () -> Void = {}, _ body: @Sendable (Int) -> Element
) -> [Element] {
    let results = ConcurrentResults<Element>(count: count)
    DispatchQueue.concurrentPerform(iterations: min(count, max(1, workers))) { _ in
        prepare()
        while let index = results.next() { results.set(index, body(index)) }
    }
    return results.all
}

private final class ConcurrentResults<Element: Sendable>: @unchecked Sendable {
    // Unchecked: the lock guards both.
    private let lock = NSLock()
    private var values: [Element?]
    private var taken = 0

    init(count: Int) { values = Array(repeating: nil, count: count) }

    /// An index that nobody has taken yet.
    func next() -> Int? {
        lock.withLock {
            guard taken < values.count else { return nil }
            defer { taken += 1 }
            return taken
        }
    }
    func set(_ index: Int, _ value: Element) { lock.withLock { values[index] = value } }
    var all: [Element] { lock.withLock { values.compactMap(\.self) } }
}
