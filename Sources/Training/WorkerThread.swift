import Foundation

/// One thread, the same for all it is given, which it does one after the other.
///
/// The blocks of a dispatch queue may run on any of its threads, with half a mebibyte of stack: little for what
/// libtorch and CUDA do there, and both keep things for each thread that they meet.
final class WorkerThread {
    private let line = Line()

    private static let stackSize = 16 << 20

    init(name: String) {
        let thread = Thread { [line] in
            while let body = line.next() { body() }
            line.end()
        }
        thread.name = name
        thread.stackSize = Self.stackSize
        thread.start()
    }

    /// What was begun is waited for: nothing may be at work on a device when the program ends.
    deinit { line.close() }

    func run(_ body: @escaping @Sendable () -> Void) { line.add(body) }

    /// What is to be done.
    private final class Line: @unchecked Sendable {
        // Unchecked: the condition guards all.
        private let condition = NSCondition()
        private var waiting: [@Sendable () -> Void] = []
        private var isClosed = false
        private var hasEnded = false

        func add(_ body: @escaping @Sendable () -> Void) {
            condition.lock()
            defer { condition.unlock() }
            waiting.append(body)
            condition.broadcast()
        }

        /// Nil when the line is closed and empty.
        func next() -> (@Sendable () -> Void)? {
            condition.lock()
            defer { condition.unlock() }
            while waiting.isEmpty && !isClosed { condition.wait() }
            return waiting.isEmpty ? nil : waiting.removeFirst()
        }

        func end() {
            condition.lock()
            defer { condition.unlock() }
            hasEnded = true
            condition.broadcast()
        }

        /// Returns when all is done.
        func close() {
            condition.lock()
            defer { condition.unlock() }
            isClosed = true
            condition.broadcast()
            while !hasEnded { condition.wait() }
        }
    }
}
