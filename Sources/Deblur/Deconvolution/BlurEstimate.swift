import Degradation

/// A picture's blur as one search sees it.
struct BlurEstimate: Sendable, Equatable {
    var kernel: BlurKernel
    /// See ``Deconvolution/Way`` and ``Deconvolution/spectrumPreference``.
    var preference = 1.0
    /// By which it was found; nil where it is known, or the spectrum's.
    var estimator: BlurEstimator?
}
