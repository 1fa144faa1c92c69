import ImageFiles
import ImageTensors
import Metrics
import Tensors

/// Measures pictures against their references, whoever made them: both rounded to 8 bits, the
/// same border left out for every metric but SFD.
public final class PictureComparison {
    public static let table = EvaluationTable(columns: [
        .init(name: "psnr_rgb", title: "PSNR-RGB dB", digits: (4, 2)),
        .init(name: "psnr_y", title: "PSNR-Y dB", digits: (4, 2)),
        .init(name: "ssim_y", title: "SSIM-Y", digits: (5, 4)),
        .init(name: "sfd", title: "SFD", digits: (5, 4)),
        .init(name: "colour_shift", title: "colour shift", digits: (4, 3)),
    ])

    private let border: Int
    private let distance: SqueezeNetFeatureDistance?

    /// - Parameters:
    ///   - border: pixels left out on each side; SFD sees the whole picture.
    ///   - squeezenet: path of the SqueezeNet trunk; nil leaves SFD out.
    public init(border: Int, squeezenet: String?) throws {
        self.border = border
        distance = try squeezenet.map { try SqueezeNetFeatureDistance(path: $0) }
    }

    /// What the numbers mean, in one sentence.
    public var protocolText: String {
        let cropped =
            border == 0 ? "no border left out" : "a border of \(border) pixels left out (not for SFD)"
        return "8-bit pictures, \(cropped); Y is BT.601 luma as MATLAB's rgb2ycbcr, not rounded; "
            + "SSIM with an 11×11 Gaussian window, σ 1.5, windows inside the picture only; "
            + "colour shift is the largest difference of a channel's mean, in gray levels"
    }

    /// One row for a picture. What a picture is too small for is NaN.
    ///
    /// - Throws: ``DataError`` when the sizes differ or the border leaves nothing.
    public func row(_ output: String, _ reference: String, name: String, set: String) throws
        -> EvaluationTable.Row
    {
        let images = try [output, reference].map { try Image.read(from: $0) }
        let (width, height) = (images[1].width, images[1].height)
        guard images[0].width == width, images[0].height == height else {
            throw DataError(
                "'\(output)' has \(images[0].width)×\(images[0].height) pixels and '\(reference)' \(width)×\(height): they must be of one size"
            )
        }
        let inside = min(width, height) - 2 * border
        guard inside > 0 else {
            throw DataError("a border of \(border) pixels leaves nothing of '\(output)'")
        }
        // A gray picture is its own luma, unless it is compared with a colour one.
        let channels = images.contains { $0.colorChannels == 3 } ? 3 : 1
        return try noGrad {
            let pair = try images.map { try $0.tensor(channels: channels) }
            let sfd = min(width, height) >= 17 ? try distance?(pair[0], pair[1]) : nil
            return EvaluationTable.Row(
                set: set, picture: name, method: "output",
                values: [
                    try PSNR(.rgb, border: border)(pair[0], pair[1]),
                    try PSNR(.luma, border: border)(pair[0], pair[1]),
                    inside >= 11 ? try SSIM(border: border)(pair[0], pair[1]) : .nan,
                    sfd ?? .nan, try colorShift(pair[0], pair[1]).maximum,
                ])
        }
    }
}
