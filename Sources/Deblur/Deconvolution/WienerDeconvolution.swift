import Degradation
import Tensors

/// Pictures with a known blur of their stored values, or of light, taken out by one division in the frequency domain:
///
///     X = K*·Y / (|K|² + w·(|Dx|² + |Dy|²))
///
/// the minimum of ‖k ∗ x − y‖² + w·‖∇x‖². What a kernel has taken away altogether is not brought back, and
/// noise and errors of the kernel show as ripples: that is left to a network.
public struct WienerDeconvolution: Sendable {
    /// w, the weight of the gradients.
    public var regularization: Double
    /// Half of the pixels that are put between two opposite edges so that they meet.
    public var margin: Int

    public init(regularization: Double = 1e-2, margin: Int = 31) {
        self.regularization = regularization
        self.margin = margin
    }

    /// - Parameters:
    ///   - blurred: N×3×H×W, sRGB values in [-1, 1], on any device.
    ///   - kernels: one for each picture. Where it is no blur the picture stays as it is, and so does a
    ///     picture that is hardly larger than the margin, or smaller than a kernel.
    ///   - curve: of the light that the blur has added up.
    /// - Returns: N×3×H×W in [-1, 1].
    public func callAsFunction(
        _ blurred: Tensor, kernels: [BlurKernel], in curve: LightCurve = .stored
    ) throws -> Tensor {
        let size = blurred.shape
        guard size.count == 4, size[0] == kernels.count else {
            throw TensorError(
                operation: "WienerDeconvolution", shapes: [size],
                reason: "there must be a kernel for each picture")
        }
        let isLarge = max(size[2], size[3]) > Self.tile
        return try Device.onOneThread {
            try noGrad {
                if blurred.device.isCUDA, !isLarge { return try sharpened(blurred, kernels, curve) }
                // A picture at a time: the CPU gains nothing from the spectra of all at once.
                let sharp = try kernels.enumerated().map { index, kernel in
                    let picture = try blurred.narrowed(0, start: index, count: 1)
                    guard kernel.side > 1 else { return picture }
                    return try isLarge ? tiled(picture, kernel, curve) : sharpened(picture, [kernel], curve)
                }
                return try sharp.count == 1 ? sharp[0] : Tensor.concatenated(sharp, dim: 0)
            }
        }
    }

    /// Sides of what is transformed at once, and what is transformed around it besides.
    private static let tile = 1280
    private static let surroundings = 128

    /// A large 1×3×H×W, part by part.
    private func tiled(_ picture: Tensor, _ kernel: BlurKernel, _ curve: LightCurve) throws -> Tensor {
        let (height, width) = (picture.shape[2], picture.shape[3])
        let result = try Tensor.zeros(picture.shape, device: picture.device)
        for rows in Self.parts(of: height) {
            for columns in Self.parts(of: width) {
                let made = try sharpened(picture.part(rows.seen, columns.seen), [kernel], curve).part(
                    rows.kept.shifted(by: -rows.seen.lowerBound),
                    columns.kept.shifted(by: -columns.seen.lowerBound))
                try result.part(rows.kept, columns.kept).copy(from: made)
            }
        }
        return result
    }

    /// Parts of about equal length that cover a side, and what each sees of it.
    private static func parts(of length: Int) -> [(kept: Range<Int>, seen: Range<Int>)] {
        let count = (length + tile - 1) / tile
        return (0..<count).map { index in
            let kept = (index * length / count)..<((index + 1) * length / count)
            return (
                kept, max(0, kept.lowerBound - surroundings)..<min(length, kept.upperBound + surroundings)
            )
        }
    }

    /// N×3×H×W, all at once.
    func sharpened(_ pictures: Tensor, _ kernels: [BlurKernel], _ curve: LightCurve = .stored) throws
        -> Tensor
    {
        let plan = PeriodicExtension(height: pictures.shape[2], width: pictures.shape[3], margin: margin)
        guard plan.isPossible, kernels.allSatisfy({ $0.side <= min(plan.tall, plan.wide) }) else {
            return pictures
        }
        let values = try plan.extended(curve.signedLight(pictures.contiguous()))
        let blur = try plan.spectra(of: kernels, device: pictures.device)
        let power = try plan.gradientPower(device: pictures.device) * regularization
        let filter = try blur.conjugated() / (blur.magnitude().squared() + power)
        let transformed = try (values.fourier(height: plan.tall, width: plan.wide) * filter)
            .inverseFourier(height: plan.tall, width: plan.wide)
        let sharp = try curve.signedStored(plan.cut(transformed).clamped(-1, 1))
        guard kernels.contains(where: { $0.side == 1 }) else { return sharp }
        let isBlurred = try Tensor(kernels.map { $0.side > 1 ? Float(1) : 0 }).to(pictures.device).perSample()
        return try isBlurred.isAbove(0.5).chosen(sharp, else: pictures)
    }
}
