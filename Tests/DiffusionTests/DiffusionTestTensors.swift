import Tensors

@testable import Diffusion

/// Uniform numbers over ±bound in float64, the same at every run.
func randomTensor(_ shape: [Int], bound: Double = 1, stream: UInt64 = 0, dtype: DType = .float64) throws
    -> Tensor
{
    var random = CounterStream(seed: 4711, stream: stream)
    return try Tensor(
        (0..<shape.reduce(1, *)).map { _ in (random.uniform() * 2 - 1) * bound }, shape: shape,
        dtype: .float64
    ).to(dtype)
}

/// The values of a float64 tensor.
func doubles(_ tensor: Tensor) throws -> [Double] {
    try tensor.to(.float64).bytes().withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
}

/// The largest absolute difference of two tensors of one shape; infinite where a value is NaN.
func largestDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
    guard a.shape == b.shape else { return .infinity }
    return try zip(doubles(a), doubles(b)).reduce(0) { largest, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isFinite ? max(largest, difference) : .infinity
    }
}

/// ‖a − b‖ / ‖b‖; infinite where a value is NaN.
func relativeDifference(_ a: Tensor, _ b: Tensor) throws -> Double {
    guard a.shape == b.shape else { return .infinity }
    var (error, size) = (0.0, 0.0)
    for (x, y) in zip(try doubles(a), try doubles(b)) {
        error += (x - y) * (x - y)
        size += y * y
    }
    let ratio = size > 0 ? (error / size).squareRoot() : (error == 0 ? 0 : .infinity)
    return ratio.isNaN ? .infinity : ratio
}

/// A context whose noise is a float64 noise field of a shape.
func context(
    _ parameterization: Parameterization, shape: [Int], seed: UInt64 = 1, clampBound: Double? = nil
) -> SamplingContext {
    let field = NoiseField(seed: seed)
    return SamplingContext(
        parameterization: parameterization,
        noise: {
            try field.tensor(step: $0, channels: shape[1], height: shape[2], width: shape[3]).to(.float64)
        },
        limit: clampBound.map(CleanLimit.symmetric))
}

/// A network that knows x₀: what it must predict follows from x_t = √γ·x₀ + √(1−γ)·ε.
func oracle(_ clean: Tensor, _ parameterization: Parameterization) -> Denoiser {
    { noisy, gamma in
        let sigma = (1 - gamma).squareRoot()
        return switch parameterization {
        case .clean: clean
        case .noise: try (noisy - gamma.squareRoot() * clean) / sigma
        case .velocity: try (gamma.squareRoot() * noisy - clean) / sigma
        }
    }
}
