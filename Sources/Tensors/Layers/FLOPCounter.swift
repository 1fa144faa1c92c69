import Foundation

/// Counts the floating-point operations of convolutions and linear layers, which are nearly all of a network's:
/// two for a multiplication with its addition.
public final class FLOPCounter: @unchecked Sendable {
    // Unchecked: the lock guards the sum.

    @TaskLocal static var current: FLOPCounter?

    private let lock = NSLock()
    private var sum = 0.0

    /// What the layers that `body` calls compute, forwards.
    public static func count(_ body: () throws -> Void) rethrows -> Double {
        let counter = FLOPCounter()
        try $current.withValue(counter) { try body() }
        return counter.lock.withLock { counter.sum }
    }

    func add(_ operations: Double) { lock.withLock { sum += operations } }
}
