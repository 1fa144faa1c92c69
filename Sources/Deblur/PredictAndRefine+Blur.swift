import Degradation
import Diffusion
import ImageTensors
import Tensors

/// A blurred picture, and the same with its blur taken out: what predictions begin with, in whatever pose they see it.
public struct SettledPicture {
    /// 1×3×H×W in [-1, 1], on the networks' device.
    let blurred: Tensor
    /// The same shape and range; nil in a model without deconvolution.
    let deconvolved: Tensor?
    /// The blur, in large pictures that of the place with the strongest edges; nil in a model without deconvolution.
    public let kernel: BlurKernel?
    /// The prediction that sees the picture as it is, where the choice between estimates has made it already.
    fileprivate var made: Tensor?
}

/// An estimate with the prediction that it leads to, at the place that decides.
private struct JudgedBlur {
    let estimate: BlurEstimate
    let curve: LightCurve
    let deconvolved: Tensor
    let prediction: Tensor
    /// nil for a picture that tells nothing.
    let evidence: BlurChoice.Evidence?

    var score: Double { evidence?.score(preference: estimate.preference) ?? 0 }

    func curveScore(blurred: Tensor) throws -> Double {
        guard let evidence else { return 0 }
        return try CurveChoice.score(
            curve, blurred: blurred, deconvolved: deconvolved, prediction: prediction, evidence)
    }
}

extension PredictAndRefine {
    /// A picture with the blur that is known or found: of several ways to find it the one counts whose prediction is best by
    /// ``BlurChoice``, and of several powers of the stored values that by ``CurveChoice``. In large pictures the part with the strongest
    /// edges decides.
    ///
    /// - Parameters:
    ///   - blurred: 1×3×H×W in [-1, 1], on the networks' device.
    ///   - blur: without effect where the configuration has no deconvolution.
    ///   - curve: of the light that the blur has added up; nil where predictions are to tell.
    ///   - grid: how a picture is cut.
    public func settled(
        _ blurred: Tensor, blur: BlurSource, in curve: LightCurve? = nil,
        grid: (Tensor) throws -> TileGrid,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> SettledPicture {
        guard let deconvolution = configuration.deconvolution else {
            return SettledPicture(blurred: blurred, deconvolved: nil, kernel: nil)
        }
        let found = try deconvolution.estimates(of: blurred, blur, network: kernels, isCancelled: isCancelled)
        func settled(by estimate: BlurEstimate, in curve: LightCurve) throws -> SettledPicture {
            try SettledPicture(
                blurred: blurred,
                deconvolved: deconvolution.filter(blurred, kernels: [estimate.kernel], in: curve),
                kernel: estimate.kernel)
        }
        // A kernel that is known, or that the spectrum is sure of: only the curve is left to decide.
        if let curve, found.count == 1, found[0].estimator == nil {
            return try settled(by: found[0], in: curve)
        }
        let place = try DecidingPlace(
            in: blurred, scale: deconvolution.estimator.scale(for: found.map(\.kernel.extent).max() ?? 1))
        func look(_ deconvolved: Tensor) throws -> Tensor {
            try prediction(
                of: place.part, deconvolved: deconvolved, grid: grid(place.part), isCancelled: isCancelled)
        }
        func judged(_ estimate: BlurEstimate, in curve: LightCurve) throws -> JudgedBlur {
            let kernel = estimate.kernel.scaled(by: place.scale)
            let deconvolved = try deconvolution.filter(place.part, kernels: [kernel], in: curve)
            let prediction = try look(deconvolved)
            return JudgedBlur(
                estimate: estimate, curve: curve, deconvolved: deconvolved, prediction: prediction,
                evidence: try BlurChoice.evidence(
                    of: kernel, in: curve, blurred: place.part, prediction: prediction,
                    margin: deconvolution.kernelSide))
        }
        var best = try judged(found[0], in: curve ?? .stored)
        func judgeOthers() throws {
            let curve = best.curve
            for other in found where other != best.estimate {
                let seen = try judged(other, in: curve)
                if seen.score > best.score { best = seen }
            }
        }
        try judgeOthers()
        // What is no blur is none in any light.
        if curve == nil, best.estimate.kernel.side > 1 {
            var likeliest = (blur: best, score: try best.curveScore(blurred: place.part))
            for other in CurveChoice.curves where other != best.curve {
                let seen = try judged(best.estimate, in: other)
                let score = try seen.curveScore(blurred: place.part)
                if score > likeliest.score { likeliest = (seen, score) }
            }
            if likeliest.blur.curve != best.curve {
                // In another light another kernel may be better.
                best = likeliest.blur
                try judgeOthers()
            }
        }
        let field = try deconvolution.field(
            of: blurred, best.estimate, network: kernels, isCancelled: isCancelled)
        if !field.isUniform {
            // Where the blur is the same everywhere, more kernels are more to be mistaken in.
            let whole = try deconvolution.filter(blurred, field: field, in: best.curve)
            let evidence = try BlurChoice.evidence(
                of: place.scaled(field), in: best.curve, region: place.region, blurred: place.part,
                prediction: look(place.part(of: whole)), margin: deconvolution.kernelSide)
            let preference = best.estimate.preference * BlurChoice.partsPreference
            if evidence?.score(preference: preference) ?? 0 > best.score {
                return SettledPicture(blurred: blurred, deconvolved: whole, kernel: field.kernel)
            }
        }
        if place.isWhole {
            return SettledPicture(
                blurred: blurred, deconvolved: best.deconvolved, kernel: best.estimate.kernel,
                made: best.prediction)
        }
        return try settled(by: best.estimate, in: best.curve)
    }

    /// g(y) of a picture that the predictor sees in a pose.
    ///
    /// Where the blur is longer than predictors know it sees the picture made smaller, and says what is to be changed in the
    /// deconvolved one, of which the fine detail stays (``BlurEstimator/scale(for:)``).
    ///
    /// - Parameters:
    ///   - pose: see `Tensor.posed(_:)`; what is returned is in pose 0.
    ///   - grid: how a picture is cut, which a pose may have turned.
    public func prediction(
        of picture: SettledPicture, pose: Int = 0, grid: (Tensor) throws -> TileGrid,
        tileDone: @escaping () -> Void = {}, isCancelled: @escaping () -> Bool = { false }
    ) throws -> Tensor {
        let blurred = try picture.blurred.posed(pose)
        let cut = try grid(blurred)
        if pose == 0, let made = picture.made {
            for _ in 0..<cut.count where cut.count > 1 { tileDone() }
            return made
        }
        if cut.isTight { Device.releaseUnusedMemory() }
        let deconvolved = try picture.deconvolved?.posed(pose)
        let scale =
            picture.kernel.flatMap { configuration.deconvolution?.estimator.scale(for: $0.extent) } ?? 1
        guard scale < 1, let deconvolved else {
            return try prediction(
                of: blurred, deconvolved: deconvolved, grid: cut, tileDone: tileDone, isCancelled: isCancelled
            ).unposed(pose)
        }
        let small = try (
            blurred: BlurEstimator.scaled(blurred, by: scale),
            deconvolved: BlurEstimator.scaled(deconvolved, by: scale)
        )
        let made = try prediction(
            of: small.blurred, deconvolved: small.deconvolved, grid: grid(small.blurred), tileDone: tileDone,
            isCancelled: isCancelled)
        let change = try made - small.deconvolved
        return try (deconvolved + change.resized(height: blurred.shape[2], width: blurred.shape[3])).unposed(
            pose)
    }
}
