import ArgumentParser
import Deblur

/// How the first sharp picture is made, of which samples are drawn.
struct PredictionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "In how many ways the blur is looked for where it is not plain, 1 to \(DeblurRestorer.blurEstimates.upperBound): by edges, as straight motion or defocus, by edges nearer to light, in the picture turned, as a kernel of one piece. The best prediction counts; fewer are faster (default: \(DeblurRestorer.usualBlurEstimates)).",
            valueName: "ways"))
    var blurEstimates: Int?

    @Option(
        help: ArgumentHelp(
            "Find the blur and predict in so many poses of the picture, 1 to 8, and average: closer to the truth, takes so many times as long.",
            valueName: "poses"))
    var selfEnsemble = 1

    @Option(
        help: ArgumentHelp(
            "Divide the blur out of stored values to this power, 1 to 3: 1 for these themselves, about 2 for light. A blur adds up light, of which pictures store a root, but cameras change contrast as well (default: what predictions tell of 1, 1.5 and 2).",
            valueName: "exponent"))
    var lightExponent: Double?

    func validate() throws {
        if let lightExponent, !DeblurRestorer.lightExponents.contains(lightExponent) {
            throw ValidationError("--light-exponent must be from 1 to 3")
        }
        guard DeblurRestorer.selfEnsembles.contains(selfEnsemble) else {
            throw ValidationError("--self-ensemble must be from 1 to 8")
        }
        if let blurEstimates, !DeblurRestorer.blurEstimates.contains(blurEstimates) {
            throw ValidationError(
                "--blur-estimates must be from 1 to \(DeblurRestorer.blurEstimates.upperBound)")
        }
    }

    /// - Parameter flags: given ones that only make sense for a model that takes a blur out.
    /// - Throws: where there are such flags, and the model is none.
    func settings(for model: DeblurModel, named name: String, flags: [String] = []) throws
        -> PredictionSettings
    {
        let given =
            (blurEstimates == nil ? [] : ["--blur-estimates"])
            + (lightExponent == nil ? [] : ["--light-exponent"]) + flags
        if let flag = given.first, model.configuration.deconvolution == nil {
            throw CommandError.usage("\(flag): the model '\(name)' has no deconvolution")
        }
        return PredictionSettings(
            selfEnsemble: selfEnsemble, blur: .ways(blurEstimates ?? DeblurRestorer.usualBlurEstimates),
            curve: lightExponent.map { LightCurve(exponent: $0) })
    }
}
