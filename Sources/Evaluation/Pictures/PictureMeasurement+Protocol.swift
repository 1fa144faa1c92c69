import Metrics

extension PictureMeasurement {
    /// What the numbers mean, in one sentence: nothing is said of what is not measured.
    public var protocolText: String {
        let metrics = Set(options.metrics)
        let cropping: Set<PictureMetric> = [.psnr, .psnrY, .ssim, .ssimY, .msSSIM, .niqe]
        var parts = [options.roundsTo8Bits ? "8-bit pictures" : "pictures not rounded to 8 bits"]
        if !metrics.isDisjoint(with: cropping) {
            parts[0] +=
                options.border == 0
                ? ", no border left out"
                : ", a border of \(options.border) pixels left out (of PSNR, SSIM, MS-SSIM and NIQE)"
        }
        if !metrics.isDisjoint(with: [.psnrY, .ssimY, .msSSIM]) {
            parts.append(
                "Y is BT.601 luma as MATLAB's rgb2ycbcr, \(options.roundsLuma ? "" : "not ")rounded")
        }
        if !metrics.isDisjoint(with: [.ssim, .ssimY, .msSSIM]) {
            parts.append("SSIM with an 11×11 Gaussian window, σ 1.5, windows inside the picture only")
        }
        if metrics.contains(.msSSIM) { parts.append("MS-SSIM over five scales") }
        if metrics.contains(.niqe), let model = weights.niqe { parts.append(niqeText(model)) }
        if metrics.contains(.sfd) {
            parts.append("SFD over SqueezeNet 1.1 (Caffe) features, which is not LPIPS")
        }
        for network in options.metrics.compactMap(\.lpipsNetwork) {
            parts.append("LPIPS 0.1 over \(network.title)")
        }
        if metrics.contains(.colourShift) {
            parts.append("colour shift is the largest difference of a channel's mean, in gray levels")
        }
        if metrics.contains(.lrConsistency) {
            parts.append("LR consistency is the RGB PSNR of the output made small by antialiased bicubic")
        }
        for metric in options.metrics where metric.isOfSets {
            parts.append(
                "\(metric.rawValue.uppercased()) over \(weights.features?.name ?? "no") features, not those of Inception"
            )
        }
        return parts.joined(separator: "; ")
    }

    private func niqeText(_ model: NIQEModel) -> String {
        let whose =
            switch model.origin {
            case .original: "the original model"
            case .refitted:
                "a refitted model (\(model.metadata["fitted_on"] ?? "of other photographs")), whose numbers do not compare with published ones"
            }
        return
            "NIQE with \(whose), on \(options.niqeLuma == .gray ? "gray as MATLAB's rgb2gray" : "rounded Y")"
    }
}
