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
}
