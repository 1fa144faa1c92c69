import Foundation
import Tensors

/// What the blocks of a ``UNet`` are told of the signal level γ, before two linear layers.
public enum LevelEncoding: Sendable, Codable, Equatable {
    /// Sinusoids of the log-SNR ln(γ/(1−γ)), which spreads low noise levels evenly. Frequencies run
    /// geometrically from 0.05 to 2, so that the slowest sinusoid is monotonic over the whole range and
    /// the fastest resolves neighbouring levels of a 2000-step schedule.
    case logSNR
    /// Sinusoids of √γ, unscaled, with frequencies from 1 down to 1/10000: the open SR3 network's.
    ///
    /// Source: Chen et al., "WaveGrad", 2020, section 3.1, without its factor.
    case amplitude
    /// Sinusoids of the step t of a schedule, counted from 0, whose level is nearest to γ, with
    /// frequencies 10000^(−i/(n − frequencyShift)): DDPM (Ho et al. 2020) and diffusers.
    case timestep(schedule: String, frequencyShift: Double)

    /// - Throws: ``NetworkError`` or ``ScheduleError``.
    func validate() throws {
        guard case .timestep(let schedule, let shift) = self else { return }
        _ = try NoiseSchedule(parsing: schedule)
        guard (0...1).contains(shift) else { throw NetworkError("frequencyShift must be 0 to 1") }
    }

    /// Channels of what the blocks are given, in a network of that base width.
    func width(base: Int) -> Int { self == .amplitude ? base : 4 * base }

    /// Frequencies of the sinusoids, in a network of that base width.
    func frequencies(base: Int) -> [Float] {
        func geometric(_ count: Int, from first: Double, to last: Double, last steps: Double) -> [Float] {
            (0..<count).map { Float(exp(log(first) + (log(last) - log(first)) * Double($0) / steps)) }
        }
        return switch self {
        case .logSNR: geometric(32, from: 0.05, to: 2, last: 31)
        case .amplitude: geometric(base / 2, from: 1, to: 1e-4, last: Double(base / 2))
        case .timestep(_, let shift): geometric(base / 2, from: 1, to: 1e-4, last: Double(base / 2) - shift)
        }
    }

    /// The number whose sinusoids are taken: levels N×1 → N×1.
    func position() throws -> (_ gamma: Tensor) throws -> Tensor {
        switch self {
        case .logSNR: return { try $0.clamped(1e-7, 1).log() - (1 - $0).clamped(1e-7, 1).log() }
        case .amplitude: return { try $0.squareRoot() }
        case .timestep(let text, _):
            let schedule = try NoiseSchedule(parsing: text)
            return { gamma in
                let steps = try gamma.doubles().map { Float(schedule.nearestStep(to: $0) - 1) }
                return try Tensor(steps, shape: gamma.shape).to(gamma.device)
            }
        }
    }
}
