import Foundation
import Tensors

/// What a camera may have made of light: values of which, a little raised, a power is the light,
///
///     light = ((v + a)^e − a^e) / ((1 + a)^e − a^e),  a = 0.055
///
/// A blur adds up light, so stored values of much contrast obey no kernel; but what a camera made of the light is not known. The
/// offset is that of sRGB, which with e = 2.4 this nearly is: without it the slope of its inverse had no end at black, and noise of the dark with it.
///
/// Source: IEC 61966-2-1, for the offset.
public struct LightCurve: Sendable, Hashable {
    /// From 1, where stored values are taken for light.
    public var exponent: Double

    public init(exponent: Double) { self.exponent = exponent }

    /// Stored values are taken for light.
    public static let stored = LightCurve(exponent: 1)

    static let offset = 0.055

    /// a^e and (1 + a)^e.
    private var ends: (low: Double, high: Double) {
        (pow(Self.offset, exponent), pow(1 + Self.offset, exponent))
    }

    /// Stored values in [0, 1] → light in [0, 1].
    func light(_ values: Tensor) throws -> Tensor {
        guard exponent != 1 else { return values }
        let (low, high) = ends
        return try (((values.clamped(0, 1) + Self.offset).log() * exponent).exp() - low) / (high - low)
    }

    /// Light in [0, 1] → stored values in [0, 1].
    func stored(_ light: Tensor) throws -> Tensor {
        guard exponent != 1 else { return light }
        let (low, high) = ends
        return try ((light.clamped(0, 1) * (high - low) + low).log() / exponent).exp() - Self.offset
    }

    /// The same of values in [-1, 1].
    func signedLight(_ values: Tensor) throws -> Tensor {
        exponent == 1 ? values : try light((values + 1) * 0.5) * 2 - 1
    }

    /// The same of values in [-1, 1].
    func signedStored(_ light: Tensor) throws -> Tensor {
        exponent == 1 ? light : try stored((light + 1) * 0.5) * 2 - 1
    }
}
