import ArgumentParser
import Foundation
import Parallel

/// Carries what became of the ranks' pictures to rank 0, which tells it, and the exit status back.
///
/// Nobody waits inside MPI while others work: that would cost a core.
final class BatchExchange: @unchecked Sendable {
    private enum Message: Codable {
        case outcome(BatchOutcome)
        case ended(interrupted: Bool)
        /// Of all ranks, from rank 0.
        case status(Int32)
    }

    private let ranks: Communicator
    private let tell: @Sendable (BatchOutcome) -> Void
    private let lock = NSLock()
    /// Outcomes that were not sent yet; under the lock.
    private var waiting: [BatchOutcome] = []
    // Those below are the working thread's: MPI is called by one thread.
    private var working: Set<Int>
    private var isInterrupted = false
    private var failure: (any Error)?

    /// - Parameter tell: is given rank 0's own outcomes, at once and on any thread.
    init(_ ranks: Communicator, tell: @escaping @Sendable (BatchOutcome) -> Void) {
        self.ranks = ranks
        self.tell = tell
        working = ranks.isRoot ? Set(1..<max(1, ranks.size)) : []
    }

    /// Takes an outcome of this rank, on any thread.
    func add(_ outcome: BatchOutcome) {
        if ranks.isRoot { tell(outcome) } else { lock.withLock { waiting.append(outcome) } }
    }

    /// Sends what waits to rank 0, or on rank 0 gives what has come from the others. A failure of MPI
    /// is thrown by ``finish(interrupted:tell:)``.
    func exchanged() -> [BatchOutcome] {
        guard ranks.isParallel, failure == nil else { return [] }
        var outcomes: [BatchOutcome] = []
        do {
            guard ranks.isRoot else {
                let unsent = lock.withLock {
                    defer { waiting = [] }
                    return waiting
                }
                for outcome in unsent { try send(.outcome(outcome), to: 0) }
                return []
            }
            for rank in working.sorted() {
                while let message = try received(from: rank) {
                    switch message {
                    case .outcome(let outcome): outcomes.append(outcome)
                    case .ended(let interrupted):
                        working.remove(rank)
                        isInterrupted = isInterrupted || interrupted
                    case .status: break
                    }
                }
            }
        } catch {
            failure = error
        }
        return outcomes
    }

    /// Waits until all ranks have done their share.
    ///
    /// - Parameters:
    ///   - tell: is given the outcomes that come meanwhile, on rank 0.
    ///   - interrupted: whether this rank was.
    /// - Returns: whether any rank was interrupted, on rank 0.
    /// - Throws: on the other ranks `ExitCode` with the status of all, unless that is 0.
    func finish(interrupted: Bool, tell: ([BatchOutcome]) -> Void) throws -> Bool {
        isInterrupted = isInterrupted || interrupted
        tell(exchanged())
        guard ranks.isRoot else {
            if let failure { throw failure }
            try send(.ended(interrupted: interrupted), to: 0)
            while true {
                if case .status(let status) = try received(from: 0) {
                    guard status == 0 else { throw ExitCode(status) }
                    return interrupted
                }
                usleep(5000)
            }
        }
        while !working.isEmpty {
            if let failure { throw failure }
            usleep(5000)
            tell(exchanged())
        }
        return isInterrupted
    }

    /// Rank 0 tells the others how the run ended.
    func end(_ status: Int32) throws {
        guard ranks.isRoot else { return }
        for rank in 1..<max(1, ranks.size) { try send(.status(status), to: rank) }
    }

    private func send(_ message: Message, to rank: Int) throws {
        try ranks.send([UInt8](MessageCoding.encoder.encode(message)), to: rank)
    }

    private func received(from rank: Int) throws -> Message? {
        try ranks.received(from: rank).map {
            try MessageCoding.decoder.decode(Message.self, from: Data($0))
        }
    }
}
