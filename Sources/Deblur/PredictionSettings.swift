import Degradation

/// How the first sharp picture is made.
public struct PredictionSettings {
    /// In how many poses the prediction is made, whose mean is taken; outside ``DeblurRestorer/selfEnsembles``
    /// the nearest number in it.
    public var selfEnsemble: Int
    /// Without effect in a model without deconvolution.
    public var blur: BlurSource
    /// Of what the blur is divided out, nil for what predictions tell (``CurveChoice``); without effect in a model without deconvolution.
    public var curve: LightCurve?
    /// Given the kernel that the picture is taken to be blurred by, once it is known; not those of its other poses, and never by
    /// a model without deconvolution.
    public var blurFound: ((BlurKernel) -> Void)?

    public init(
        selfEnsemble: Int = 1, blur: BlurSource = .ways(DeblurRestorer.usualBlurEstimates),
        curve: LightCurve? = nil, blurFound: ((BlurKernel) -> Void)? = nil
    ) {
        self.selfEnsemble = selfEnsemble
        self.blur = blur
        self.curve = curve
        self.blurFound = blurFound
    }
}
