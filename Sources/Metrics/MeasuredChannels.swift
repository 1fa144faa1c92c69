/// What of a picture a metric looks at.
public enum MeasuredChannels: String, CaseIterable, Sendable {
    /// Luma alone, see ``luma(_:)``: the custom of super-resolution benchmarks.
    case luma
    /// All three colour channels, as one set of samples.
    case rgb
}
