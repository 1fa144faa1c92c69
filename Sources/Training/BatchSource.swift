import Foundation
import Tensors

/// Makes the parts of batches one after the other, each ahead of time if wanted: while the device works on
/// one, the next is drawn, gathered and copied on a thread of its own.
///
/// Every number of a part follows from its step, so parts are the same whenever they are made, and a
/// checkpoint need not know of one that was made ahead.
final class BatchSource {
    /// One of the turns of a step.
    private struct Place: Equatable, Sendable {
        var step: Int
        var turn: Int
    }

    private let maker: Maker
    private let turns: Int
    /// Nil where nothing is made ahead.
    private let worker: WorkerThread?
    private var next: (place: Place, part: Part)?

    /// - Parameters:
    ///   - shard: of a step's batch, cut into `turns` parts.
    ///   - seed: the recipe's.
    init(_ task: any TrainingTask, shard: BatchShard, turns: Int, seed: UInt64, isAhead: Bool) {
        maker = Maker(task: task, shard: shard, turns: turns, seed: seed)
        self.turns = turns
        worker = isAhead ? WorkerThread(name: "batches") : nil
    }

    /// A part of a step's batch, waited for; the one after it is begun.
    ///
    /// - Parameter isLast: not to begin it.
    /// - Throws: what went wrong when this part was made, be it ahead of time.
    func part(step: Int, turn: Int, isLast: Bool = false) throws -> TrainingBatch {
        let place = Place(step: step, turn: turn)
        guard let worker else { return try maker.part(step: step, turn: turn) }
        // A part that nobody asks for, since the steps went on elsewhere, is dropped with its error.
        let part = next?.place == place ? next?.part : nil
        next = nil
        let batch = try (part ?? begin(place, on: worker)).value()
        if isLast { return batch }
        let following =
            turn + 1 < turns ? Place(step: step, turn: turn + 1) : Place(step: step + 1, turn: 0)
        next = (following, begin(following, on: worker))
        return batch
    }

    private func begin(_ place: Place, on worker: WorkerThread) -> Part {
        let part = Part()
        worker.run { [maker] in part.finish(Result { try maker.part(step: place.step, turn: place.turn) }) }
        return part
    }

    private struct Maker: @unchecked Sendable {
        // Unchecked: of the task only constants are read, and one part is made at a time.
        let task: any TrainingTask
        let shard: BatchShard
        let turns: Int
        let seed: UInt64

        func part(step: Int, turn: Int) throws -> TrainingBatch {
            var random = CounterStream(seed: seed, stream: UInt64(step) + 1)
            return try task.batch(shard.turn(turn, of: turns), using: &random)
        }
    }

    private final class Part: @unchecked Sendable {
        // Unchecked: the result is written before the signal, and read after it.
        private let done = DispatchSemaphore(value: 0)
        private var result: Result<TrainingBatch, any Error>?

        func finish(_ result: Result<TrainingBatch, any Error>) {
            self.result = result
            done.signal()
        }

        /// The result, waited for.
        func value() throws -> TrainingBatch {
            done.wait()
            guard let result else { throw CancellationError() }
            return try result.get()
        }
    }
}
