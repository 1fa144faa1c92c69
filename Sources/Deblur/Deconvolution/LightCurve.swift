import Foundation
import Tensors

/// What a camera may have made of light: values whose power is the light.
///
/// A blur adds up light, so stored values of much contrast obey no kernel; but what a camera made of the light is not known.
public struct LightCurve: Sendable, Equatable {
    /// Above 0: 1 where stored values are taken for light, about 2.2 for what sRGB stands for.
    public var exponent: Double

    public init(exponent: Double) { self.exponent = exponent }

    /// Stored values are taken for light.
    public static let stored = LightCurve(exponent: 1)

    /// Less than any step of eight bits.
    private static let black = 1e-4

    /// Stored values in [0, 1] → light in [0, 1].
    func light(_ values: Tensor) throws -> Tensor { try raised(values, exponent, from: Self.black) }

    /// Light in [0, 1] → stored values in [0, 1].
    func stored(_ light: Tensor) throws -> Tensor {
        try raised(light, 1 / exponent, from: pow(Self.black, exponent))
    }

    /// The same of values in [-1, 1].
    func signedLight(_ values: Tensor) throws -> Tensor {
        exponent == 1 ? values : try light((values + 1) * 0.5) * 2 - 1
    }

    /// The same of values in [-1, 1].
    func signedStored(_ light: Tensor) throws -> Tensor {
        exponent == 1 ? light : try stored((light + 1) * 0.5) * 2 - 1
    }

    private func raised(_ values: Tensor, _ exponent: Double, from least: Double) throws -> Tensor {
        exponent == 1 ? values : try (values.clamped(least, 1).log() * exponent).exp()
    }
}
