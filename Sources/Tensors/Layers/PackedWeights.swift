import Foundation

/// A convolution's weights in the layouts in which oneDNN computes, one for each size of input.
///
/// oneDNN chooses the layout by that size, too. Weights in one that it would not have chosen are changed at every call, which can
/// take longer than the convolution itself.
final class PackedWeights: @unchecked Sendable {
    // Unchecked: threads share it, and the lock guards what changes.

    private let pack: (_ input: [Int]) throws -> Tensor
    private let lock = NSLock()
    private var packed: [[Int]: Tensor] = [:]

    /// So many sizes are remembered: those of a picture's tiles, and of the same turned.
    private static let mostSizes = 8

    /// - Parameter pack: makes the weights for an input of N×inputs×H×W.
    init(_ pack: @escaping (_ input: [Int]) throws -> Tensor) { self.pack = pack }

    /// The weights for an input of that shape.
    func weights(for input: [Int]) throws -> Tensor {
        lock.lock()
        defer { lock.unlock() }
        if let known = packed[input] { return known }
        if packed.count >= Self.mostSizes { packed.removeAll() }
        let made = try noGrad { try pack(input) }
        packed[input] = made
        return made
    }
}
