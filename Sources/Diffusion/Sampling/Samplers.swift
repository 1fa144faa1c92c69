import Foundation
import Tensors

// Every sampler is a plain function of (denoiser, signal levels, context): levels rise from
// near 0 to 1, any sub-sequence of any schedule, not only the one the network was trained with.
// Its update from one level to the next is a function of its own, pixel by pixel, which is what
// ``TiledSampler`` applies to a band of a large picture.

/// Ancestral sampling (Ho et al. 2020, algorithm 2), over adjacent or skipped levels; see
/// ``ancestralStep(_:variance:)``.
public func ancestralSample(
    _ denoiser: Denoiser, levels: [Double], variance: Double = 1, context: SamplingContext
) throws -> Tensor {
    try context.walk(denoiser, levels) { try ancestralStep($0, variance: variance) }
}

/// One ancestral step: with α = γ_t/γ_s and β = 1 − α it draws from N(μ, σ²), where
/// μ = √γ_s·β/(1−γ_t)·x̂₀ + √α·(1−γ_s)/(1−γ_t)·x_t (Ho et al. 2020, eq. 7; the same as eq. 11
/// without clamping). No noise is added in the last step.
///
/// - Parameter variance: σ² as a number from 0 to 2: 0 is none, 1 is the posterior variance
///   β̃ = β·(1−γ_s)/(1−γ_t), 2 is its upper bound β; linear between.
public func ancestralStep(_ step: SamplingStep, variance: Double) throws -> Tensor {
    guard variance >= 0, variance <= 2 else {
        throw SamplingError("the variance of ancestral sampling is from 0 (none) through 1 (β̃) to 2 (β)")
    }
    let (gamma, next) = (step.gamma, step.next)
    if next == 1 { return step.estimate.clean }
    let alpha = gamma / next
    let beta = 1 - alpha
    let posterior = beta * (1 - next) / (1 - gamma)
    let mean =
        try (next.squareRoot() * beta / (1 - gamma)) * step.estimate.clean
        + (alpha.squareRoot() * (1 - next) / (1 - gamma)) * step.noisy
    let squared =
        variance <= 1 ? variance * posterior : posterior + (variance - 1) * (beta - posterior)
    return squared == 0 ? mean : try mean + squared.squareRoot() * step.noise()
}

/// DDIM (Song, Meng, Ermon 2020), over any rising sub-sequence of levels; see ``ddimStep(_:eta:)``.
public func ddimSample(
    _ denoiser: Denoiser, levels: [Double], eta: Double = 0, context: SamplingContext
) throws -> Tensor {
    try context.walk(denoiser, levels) { try ddimStep($0, eta: eta) }
}

/// One DDIM step (Song, Meng, Ermon 2020, eq. 12 and 16):
/// x_s = √γ_s·x̂₀ + √(1−γ_s−σ²)·ε̂ + σ·z with σ = η·√((1−γ_s)/(1−γ_t))·√(1−γ_t/γ_s).
///
/// - Parameter eta: 0 is deterministic, 1 equals ancestral sampling with β̃.
public func ddimStep(_ step: SamplingStep, eta: Double) throws -> Tensor {
    guard eta >= 0, eta <= 1 else { throw SamplingError("η is from 0 (deterministic) to 1 (ancestral)") }
    let (gamma, next) = (step.gamma, step.next)
    if next == 1 { return step.estimate.clean }
    let sigma = eta * ((1 - next) / (1 - gamma)).squareRoot() * (1 - gamma / next).squareRoot()
    let direction = max(0, 1 - next - sigma * sigma).squareRoot()
    let mean = try next.squareRoot() * step.estimate.clean + direction * step.estimate.noise
    return sigma == 0 ? mean : try mean + sigma * step.noise()
}

/// DPM-Solver++(2M) (Lu et al. 2022, algorithm 2); see ``dpmSolverStep(_:)``.
public func dpmSolverSample(
    _ denoiser: Denoiser, levels: [Double], context: SamplingContext
) throws -> Tensor {
    try context.walk(denoiser, levels) { try dpmSolverStep($0) }
}

/// One step of DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): second order, deterministic, one
/// look of the network a step. The first and the last step are of first order.
public func dpmSolverStep(_ step: SamplingStep) throws -> Tensor {
    func logSNR(_ gamma: Double) -> Double { 0.5 * log(gamma / (1 - gamma)) }
    let (gamma, next) = (step.gamma, step.next)
    // The last step ends at infinite log-SNR, where the update is its limit, x̂₀.
    if next == 1 { return step.estimate.clean }
    let length = logSNR(next) - logSNR(gamma)
    var data = step.estimate.clean
    if let previous = step.previous {
        let weight = length / (2 * (logSNR(gamma) - logSNR(previous.gamma)))
        data = try (1 + weight) * data - weight * previous.clean
    }
    let ratio = ((1 - next) / (1 - gamma)).squareRoot()
    return try ratio * step.noisy + (next.squareRoot() * (1 - exp(-length))) * data
}
