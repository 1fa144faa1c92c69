import Metrics
import Tensors

/// One number that is measured on every output, and how it is named, printed and read.
public struct EvaluationMetric: Sendable {
    /// What a metric is about in the perception-distortion plane (Blau and Michaeli 2018).
    public enum Role: String, Sendable, Codable { case distortion, perception, other }

    /// In files, for example `psnr_y`.
    public let name: String
    /// In tables, for example `PSNR-Y`.
    public let title: String
    /// `dB`, or empty.
    public let unit: String
    /// Digits after the point in files and in tables.
    public let digits: (file: Int, table: Int)
    public let isHigherBetter: Bool
    public let role: Role
    /// The protocol, in a few words.
    public let protocolText: String
    /// What a distance between the sets of outputs and of originals is made from; nil for a metric of
    /// each picture.
    var patches: PatchFeatures?
    /// NaN for a distance of sets.
    let measure: @Sendable (EvaluationSubject, _ output: Tensor) throws -> Double

    /// `PSNR-Y dB`.
    public var heading: String { unit.isEmpty ? title : "\(title) \(unit)" }

    /// - Parameter outside: pixels that pairs have lost at every border before they are measured.
    static func psnr(_ channels: MeasuredChannels, border: Int, outside: Int = 0) -> Self {
        let isLuma = channels == .luma
        return Self(
            name: isLuma ? "psnr_y" : "psnr_rgb", title: isLuma ? "PSNR-Y" : "PSNR", unit: "dB",
            digits: (4, 2), isHigherBetter: true, role: .distortion,
            protocolText:
                "8-bit pictures, \(isLuma ? "BT.601 luma as MATLAB's rgb2ycbcr, not rounded" : "all colours"), \(cropped(border + outside))"
        ) { subject, output in try PSNR(channels, border: border)(output, subject.reference) }
    }

    /// How much more PSNR the output has than the input itself.
    static let gain = Self(
        name: "gain_db", title: "gain", unit: "dB", digits: (4, 2), isHigherBetter: true, role: .other,
        protocolText: "PSNR of the output minus that of the input"
    ) { subject, output in
        let (before, after) = (try subject.inputPSNR.get(), try PSNR(.rgb)(output, subject.reference))
        // Of equal pictures, ∞ − ∞; over a perfect input there is nothing to gain, and −∞ says less
        // about the output than its PSNR does.
        if before == after { return 0 }
        return before.isInfinite ? .nan : after - before
    }

    static func ssim(border: Int, outside: Int = 0) -> Self {
        Self(
            name: "ssim_y", title: "SSIM-Y", unit: "", digits: (5, 4), isHigherBetter: true,
            role: .distortion,
            protocolText:
                "Wang 2004, luma, 11×11 Gaussian window of σ 1.5 inside the picture only, \(cropped(border + outside))"
        ) { subject, output in
            min(output.shape[2], output.shape[3]) - 2 * border < 11
                ? .nan : try SSIM(border: border)(output, subject.reference)
        }
    }

    static func sfd(_ distance: SqueezeNetFeatureDistance) -> Self {
        Self(
            name: "sfd", title: "SFD", unit: "", digits: (5, 4), isHigherBetter: false, role: .perception,
            protocolText: "SqueezeNet 1.1 (Caffe) feature distance, whole picture; not LPIPS"
        ) { subject, output in
            min(output.shape[2], output.shape[3]) < 17 ? .nan : try distance(output, subject.reference)
        }
    }

    static func lpips(_ lpips: LPIPS) -> Self {
        Self(
            name: "lpips_\(lpips.network.rawValue)", title: "LPIPS (\(lpips.network.rawValue))", unit: "",
            digits: (5, 4), isHigherBetter: false, role: .perception,
            protocolText: "version 0.1, \(lpips.network.title) of torchvision, whole picture"
        ) { subject, output in
            min(output.shape[2], output.shape[3]) < lpips.network.minimumSide
                ? .nan : try lpips(output, subject.reference)
        }
    }

    /// A distance of sets: a picture alone has none.
    static func kid(_ network: any FeatureNetwork) -> Self {
        Self(
            name: "kid", title: "KID", unit: "", digits: (3, 1), isHigherBetter: false, role: .perception,
            protocolText:
                "of the set: unbiased, cubic kernel, no picture against its own original, \(network.name) features of up to \(PatchFeatures.countPerAxis * PatchFeatures.countPerAxis) patches of \(PatchFeatures.side)×\(PatchFeatures.side) a picture; not of Inception",
            patches: PatchFeatures(network)
        ) { _, _ in .nan }
    }

    /// - Parameter border: as for the task's other metrics.
    static func niqe(_ model: NIQEModel, border: Int) -> Self {
        let niqe = NIQE(model: model, border: border)
        return Self(
            name: "niqe", title: "NIQE", unit: "", digits: (4, 3), isHigherBetter: false, role: .perception,
            protocolText: "no reference, \(model.origin.rawValue) model, gray, \(cropped(border))"
        ) { _, output in
            let isLargeEnough = NIQE.isLargeEnough(
                height: output.shape[2] - 2 * border, width: output.shape[3] - 2 * border)
            return isLargeEnough ? try niqe(output) : .nan
        }
    }

    static let consistency = Self(
        name: "lr_consistency_db", title: "LR consistency", unit: "dB", digits: (3, 1), isHigherBetter: true,
        role: .other, protocolText: "RGB PSNR between the output made small by bicubic and the input"
    ) { subject, output in try lrConsistency(output, lr: subject.measuredInput()) }

    static let colourShift = Self(
        name: "colour_shift", title: "colour shift", unit: "", digits: (4, 3), isHigherBetter: false,
        role: .other, protocolText: "largest difference of a channel's mean, in gray levels of 255"
    ) { subject, output in try colorShift(output, subject.reference).maximum }

    private static func cropped(_ border: Int) -> String {
        border == 0 ? "nothing cropped" : "\(border) pixels cropped at every border"
    }
}

/// The metrics that need weights; what is nil is left out.
public struct EvaluationWeights: Sendable {
    let distance: SqueezeNetFeatureDistance?
    let niqe: NIQEModel?
    let lpips: LPIPS?
    let features: (any FeatureNetwork)?

    public init(
        distance: SqueezeNetFeatureDistance?, niqe: NIQEModel?, lpips: LPIPS?,
        features: (any FeatureNetwork)? = nil
    ) {
        self.distance = distance
        self.niqe = niqe
        self.lpips = lpips
        self.features = features
    }

    func metrics(border: Int) -> [EvaluationMetric] {
        [
            distance.map(EvaluationMetric.sfd), lpips.map(EvaluationMetric.lpips),
            niqe.map { EvaluationMetric.niqe($0, border: border) }, features.map(EvaluationMetric.kid),
        ].compactMap(\.self)
    }
}
