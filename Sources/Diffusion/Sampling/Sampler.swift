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

/// The mean of several samples: closer to the posterior mean, hence higher PSNR and less
/// detail (Whang et al. 2022, sec. 3.3).
public func sampleAverage(_ count: Int, _ sample: (_ index: Int) throws -> Tensor) throws -> Tensor {
    guard count >= 1 else { throw SamplingError("at least one sample is needed") }
    var total = try sample(0)
    for index in 1..<max(count, 1) { total = try total + sample(index) }
    return count == 1 ? total : try total / Double(count)
}
