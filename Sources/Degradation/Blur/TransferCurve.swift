import Tensors

/// The sRGB transfer curve (IEC 61966-2-1): pictures are encoded, light adds up linearly.
public enum TransferCurve {
    /// sRGB values in [-1, 1] → linear light in [0, 1]; values outside are clamped.
    public static func linear(_ encoded: Tensor) throws -> Tensor {
        let value = try (encoded * 0.5 + 0.5).clamped(0, 1)
        return try value.chosen(
            upTo: 0.04045, value / 12.92, else: ((value + 0.055) / 1.055).power(2.4))
    }

    /// Linear light → sRGB values in [-1, 1]; light outside [0, 1] is clipped, as a sensor does.
    public static func encoded(_ linear: Tensor) throws -> Tensor {
        let light = try linear.clamped(0, 1)
        return try light.chosen(
            upTo: 0.0031308, light * 12.92, else: light.clamped(0.0031308, 1).power(1 / 2.4) * 1.055 - 0.055)
            * 2 - 1
    }
}
