import Metrics

/// A metric of pictures by the name that the command line has for it.
public enum PictureMetric: String, CaseIterable, Sendable {
    case psnr
    case psnrY = "psnr-y"
    case ssim
    case ssimY = "ssim-y"
    case msSSIM = "ms-ssim"
    case niqe
    case sfd
    case lpipsAlex = "lpips-alex"
    case lpipsVGG = "lpips-vgg"
    case lpipsSqueeze = "lpips-squeeze"
    case colourShift = "colour-shift"
    case lrConsistency = "lr-consistency"
    case fid
    case kid

    /// Whether pictures are measured alone.
    public var needsReference: Bool { self != .niqe && self != .lrConsistency }

    /// Whether a number belongs to two sets of pictures and not to one picture.
    public var isOfSets: Bool { self == .fid || self == .kid }

    /// The network of LPIPS, for its metrics.
    public var lpipsNetwork: LPIPS.Network? {
        switch self {
        case .lpipsAlex: .alex
        case .lpipsVGG: .vgg
        case .lpipsSqueeze: .squeeze
        default: nil
        }
    }

    /// The column of a picture's number; nil for a metric of sets.
    var column: EvaluationTable.Column? {
        switch self {
        case .psnr: .init(name: "psnr_rgb", title: "PSNR-RGB dB", digits: (4, 2))
        case .psnrY: .init(name: "psnr_y", title: "PSNR-Y dB", digits: (4, 2))
        case .ssim: .init(name: "ssim_rgb", title: "SSIM-RGB", digits: (5, 4))
        case .ssimY: .init(name: "ssim_y", title: "SSIM-Y", digits: (5, 4))
        case .msSSIM: .init(name: "ms_ssim_y", title: "MS-SSIM-Y", digits: (5, 4))
        case .niqe: .init(name: "niqe", title: "NIQE", digits: (4, 3))
        case .sfd: .init(name: "sfd", title: "SFD", digits: (5, 4))
        case .lpipsAlex: .init(name: "lpips_alex", title: "LPIPS (alex)", digits: (5, 4))
        case .lpipsVGG: .init(name: "lpips_vgg", title: "LPIPS (vgg)", digits: (5, 4))
        case .lpipsSqueeze: .init(name: "lpips_squeeze", title: "LPIPS (squeeze)", digits: (5, 4))
        case .colourShift: .init(name: "colour_shift", title: "colour shift", digits: (4, 3))
        case .lrConsistency: .init(name: "lr_consistency_db", title: "LR consistency dB", digits: (4, 2))
        case .fid, .kid: nil
        }
    }
}
