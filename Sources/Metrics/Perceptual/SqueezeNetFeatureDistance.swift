import Tensors

/// A perceptual distance of two pictures (SFD): how far apart the features of SqueezeNet 1.1
/// are; 0 for equal pictures, lower is better.
///
/// Computed as ``LPIPS`` without its learned heads, so it is **not** LPIPS and
/// its values do not compare with it. The features after the first ReLU and after the fire
/// modules 4, 7, 9, 10, 11 and 12 (torchvision's numbers) are normalised to unit length over
/// channels (+1e-10); their squared difference is summed over channels and averaged over
/// positions; the distance is the mean of the seven. The trunk is the one trained in Caffe:
/// its input is BGR, 0…255 (rounded to 8 bits), minus (103.939, 116.779, 123.68). Nothing is
/// cropped or resized.
///
/// Set14 upscaled ×4 by bicubic scores 0.4 to 0.8 a picture; a tenth more brightness about 0.01.
public final class SqueezeNetFeatureDistance: Sendable {
    /// Pixels of the shorter side that the trunk needs.
    public static let minimumSide = TrunkArchitecture.squeezeNet.minimumSide

    private let trunk: ConvolutionalTrunk
    private let device: Device

    /// Loads the trunk.
    ///
    /// - Parameter path: a safetensors file with torchvision's names (`features.0.weight`, …),
    ///   trained for the input above.
    /// - Throws: ``TensorFileError`` where the file cannot be read, lacks a layer or has it in
    ///   another shape.
    public init(path: String, device: Device = .cpu) throws {
        trunk = try ConvolutionalTrunk(.squeezeNet, file: SafetensorsFile(path: path), device: device)
        self.device = device
    }

    /// The distance of two pictures.
    ///
    /// - Parameters:
    ///   - output: 1×C×H×W in [-1, 1], C = 1 or 3, at least 17 pixels high and wide.
    ///   - reference: of the same shape.
    /// - Throws: ``TensorError`` where the shapes do not fit or a value is not finite.
    public func callAsFunction(_ output: Tensor, _ reference: Tensor) throws -> Double {
        try noGrad {
            let terms = try trunk.comparedDirections(output, reference, input: .caffe, device: device) {
                try $1.sum([1]).to(.float64).mean().item()
            }
            return terms.reduce(0, +) / Double(terms.count)
        }
    }
}
