import Foundation
import Tensors

/// The signal level γ as a vector the blocks can use: sinusoids of the log-SNR, then two
/// linear layers with SiLU.
///
/// γ itself, put unscaled into sinusoids, can hardly tell low noise levels apart; the
/// log-SNR ln(γ/(1−γ)) spreads them evenly. Frequencies run geometrically from 0.05 to 2, so
/// that the slowest sinusoid is monotonic over the whole range and the fastest resolves
/// neighbouring levels of a 2000-step schedule.
public final class LevelEmbedding: Module {
    private let frequencies: [Float]
    private let first: Linear
    private let second: Linear
    private var onDevice: Tensor?

    static let frequencyCount = 32

    public init(width: Int, _ initializer: Initializer) throws {
        let (low, high) = (log(0.05), log(2.0))
        frequencies = (0..<Self.frequencyCount).map {
            Float(exp(low + (high - low) * Double($0) / Double(Self.frequencyCount - 1)))
        }
        first = try Linear(2 * Self.frequencyCount, width, initializer)
        second = try Linear(width, width, initializer)
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
        let gamma = try signalLevel.reshaped([signalLevel.count, 1])
        let logSNR = try gamma.clamped(1e-7, 1).log() - (1 - gamma).clamped(1e-7, 1).log()
        let angles = try logSNR * table
        let features = try Tensor.concatenated([angles.sin(), angles.cos()], dim: 1)
        return try second(first(features).silu()).silu()
    }
}
