import Dispatch
import Foundation

/// Work on another thread whose result is waited for.
final class Background<Value: Sendable>: @unchecked Sendable {
    private let finished = DispatchSemaphore(value: 0)
    // Written before the semaphore is raised, read after.
    private var result: Result<Value, any Error>?

    init(on queue: DispatchQueue, _ work: @escaping @Sendable () throws -> Value) {
        queue.async {
            self.result = Result { try work() }
            self.finished.signal()
        }
    }

    /// The result, waited for to the end.
    func value() throws -> Value {
        finished.wait()
        return try taken()
    }

    /// The result, waited for until Ctrl-C: a pipe may never send anything.
    ///
    /// - Throws: what the work threw; `CancellationError`.
    func valueUnlessInterrupted() throws -> Value {
        while finished.wait(timeout: .now() + 0.05) == .timedOut {
            if Interrupt.isRequested { throw CancellationError() }
        }
        return try taken()
    }

    private func taken() throws -> Value {
        guard let result else { throw CancellationError() }
        return try result.get()
    }
}
