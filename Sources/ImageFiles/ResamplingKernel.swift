import Foundation

/// A function that weighs the samples around a point, as in MATLAB's `imresize`.
public enum ResamplingKernel: String, CaseIterable, Sendable {
    /// The closest sample; never widened when shrinking.
    case nearest
    /// Triangle.
    case bilinear
    /// Cubic convolution with a = -0.5 (R. Keys, "Cubic Convolution Interpolation for
    /// Digital Image Processing", 1981, equation 15).
    case bicubic
    /// Sinc windowed by the main lobe of a sinc three times as wide.
    case lanczos3

    /// The length of the interval outside of which the kernel is zero, in samples.
    public var width: Double {
        switch self {
        case .nearest: 1
        case .bilinear: 2
        case .bicubic: 4
        case .lanczos3: 6
        }
    }

    /// The kernel's value at a distance of `x` samples.
    public func value(at x: Double) -> Double {
        let distance = abs(x)
        switch self {
        case .nearest:
            // Half open, so that a point midway between two samples takes just one.
            return x >= -0.5 && x < 0.5 ? 1 : 0
        case .bilinear:
            return max(0, 1 - distance)
        case .bicubic:
            if distance <= 1 { return (1.5 * distance - 2.5) * distance * distance + 1 }
            if distance <= 2 {
                return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
            }
            return 0
        case .lanczos3:
            if distance == 0 { return 1 }
            if distance >= 3 { return 0 }
            let angle = Double.pi * distance
            return 3 * sin(angle) * sin(angle / 3) / (angle * angle)
        }
    }
}
