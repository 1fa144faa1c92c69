import Foundation

/// What `body` makes of each index below `count`, in their order, several at a time.
///
/// - Parameters:
///   - workers: how many threads take indices; one that is done takes the next.
///   - prepare: called once on each of them before the first.
public func concurrentMap<Element: Sendable>(
    _ count: Int, workers: Int, prepare: @Sendable () -> Void = {}, _ body: @Sendable (Int) -> Element
) -> [Element] {
    let results = ConcurrentResults<Element>(count: count)
    DispatchQueue.concurrentPerform(iterations: min(count, max(1, workers))) { _ in
        prepare()
        while let index = results.next() { results.set(index, body(index)) }
    }
    return results.all
}

extension Device {
    /// What `body` makes of each index below `count`, in their order: one on each of ``threads`` at a time, with
    /// operators on that thread alone, which gets more done than all threads on one after another.
    ///
    /// - Parameter stretch: how many each thread makes between two looks at whether to go on.
    /// - Throws: `CancellationError`, or what `body` throws.
    public static func oneOnEachThread<Element: Sendable>(
        _ count: Int, stretch: Int = 1, isCancelled: () -> Bool, _ body: @Sendable (Int) throws -> Element
    ) throws -> [Element] {
        let threads = threads
        var made: [Element] = []
        while made.count < count {
            if isCancelled() { throw CancellationError() }
            let first = made.count
            let results = concurrentMap(
                min(threads * stretch, count - first), workers: threads, prepare: { try? setThreads(1) },
                { index in Result { try body(first + index) } })
            try setThreads(threads)
            made += try results.map { try $0.get() }
        }
        return made
    }
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
