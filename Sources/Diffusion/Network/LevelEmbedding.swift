import Foundation
import Tensors

/// The signal level γ as a vector the blocks can use: sinusoids, as ``LevelEncoding`` says, then two
/// linear layers with SiLU.
public final class LevelEmbedding: Module {
    private let frequencies: [Float]
    private let position: (Tensor) throws -> Tensor
    private let isActivated: Bool
    private let first: Linear
    private let second: Linear
    private var onDevice: Tensor?

    /// - Parameter base: the network's base width.
    public init(_ encoding: LevelEncoding, base: Int, _ initializer: Initializer) throws {
        frequencies = encoding.frequencies(base: base)
        position = try encoding.position()
        // The open SR3 network gives its blocks the second layer's output as it is.
        isActivated = encoding != .amplitude
        first = try Linear(2 * frequencies.count, 4 * base, initializer)
        second = try Linear(4 * base, encoding.width(base: base), initializer)
        super.init()
        _ = register("first", first)
        _ = register("second", second)
    }

    /// Length N levels in [0, 1] → N×width.
    public func callAsFunction(_ signalLevel: Tensor) throws -> Tensor {
        let table: Tensor
        if let onDevice, onDevice.device == signalLevel.device {
            table = onDevice
        } else {
            table = try Tensor(frequencies, shape: [1, frequencies.count]).to(signalLevel.device)
            onDevice = table
        }
        let angles = try position(signalLevel.reshaped([signalLevel.count, 1])) * table
        let features = try Tensor.concatenated([angles.sin(), angles.cos()], dim: 1)
        let embedding = try second(first(features).silu())
        return isActivated ? try embedding.silu() : embedding
    }
}
