import Tensors

/// A choice of sampler with its own settings.
public enum Sampler: Sendable, Equatable {
    /// ``ancestralSample(_:levels:variance:context:)``
    case ddpm(variance: Double)
    /// ``ddimSample(_:levels:eta:context:)``
    case ddim(eta: Double)
    /// ``dpmSolverSample(_:levels:context:)``
    case dpmSolver

    /// Draws one sample over the given signal levels.
    public func sample(_ denoiser: Denoiser, levels: [Double], context: SamplingContext) throws -> Tensor {
        switch self {
        case .ddpm(let variance):
            try ancestralSample(denoiser, levels: levels, variance: variance, context: context)
        case .ddim(let eta): try ddimSample(denoiser, levels: levels, eta: eta, context: context)
        case .dpmSolver: try dpmSolverSample(denoiser, levels: levels, context: context)
        }
    }

    /// The update from one signal level to the next, pixel by pixel.
    public func step(_ step: SamplingStep) throws -> Tensor {
        switch self {
        case .ddpm(let variance): try ancestralStep(step, variance: variance)
        case .ddim(let eta): try ddimStep(step, eta: eta)
        case .dpmSolver: try dpmSolverStep(step)
        }
    }

    /// Whether a step looks at the estimate of the one before.
    var looksBack: Bool { self == .dpmSolver }
}
