import Deblur
import ImageFiles
import ImageTensors
import Metrics
import Tensors
import Training

/// One pair, read and ready to be measured.
public final class EvaluationSubject {
    public let pair: EvaluationPair
    /// 1×3×h×w in [-1, 1]: what the model is given.
    let input: Tensor
    /// 1×C×H×W in [-1, 1]: what outputs are held against; C = 1 for a gray original.
    let reference: Tensor
    /// The whole sharp picture, where outputs are aligned with it.
    private let alignedTo: Tensor?
    private let alignment: Int

    /// - Parameter alignment: largest displacement, in pixels along each axis, that is searched between the
    ///   sharp picture and the input, and each output anew: moving a kernel one way and the sharp picture the
    ///   other gives the same capture, so that no method can know where to put its picture. As many pixels are
    ///   left out at every border. 0 for none.
    init(_ pair: EvaluationPair, alignment: Int = 0) throws {
        self.pair = pair
        let original = try Image.read(from: pair.original)
        let sharp = try original.tensor(channels: original.colorChannels)
        input = try Image.read(from: pair.input).tensor(channels: 3)
        guard alignment > 0 else {
            (reference, alignedTo, self.alignment) = (sharp, nil, 0)
            return
        }
        guard min(original.width, original.height) > 2 * alignment else {
            throw DataError("'\(pair.original)' is too small to be aligned within \(alignment) pixels")
        }
        reference = try Shift(dx: 0, dy: 0, border: alignment).reference(sharp)
        (alignedTo, self.alignment) = (sharp, alignment)
    }

    /// What of an output is measured: rounded to 8 bits, gray where the original is, aligned and cropped as the
    /// reference is.
    func measured(_ output: Tensor) throws -> Tensor {
        let rounded = try Self.colours(output, like: reference).quantized()
        guard let alignedTo else { return rounded }
        return try Shift.best(from: rounded, to: alignedTo, reach: alignment).output(rounded)
    }

    /// The input with the channels that are measured.
    func measuredInput() throws -> Tensor { try Self.colours(input, like: reference) }

    /// A gray picture is its own luma, as in the benchmarks' scripts.
    private static func colours(_ picture: Tensor, like reference: Tensor) throws -> Tensor {
        try reference.shape[1] == 1 && picture.shape[1] == 3 ? picture.mean([1], keepDims: true) : picture
    }

    /// PSNR of the input itself, for the gain over it.
    private(set) lazy var inputPSNR = Result { try PSNR(.rgb)(measured(input), reference) }

    /// A model's first picture, kept because every method starts from it.
    var first: Timed<DeblurRestorer.FirstPicture>?
}

/// A displacement by whole pixels between a picture and the sharp one.
struct Shift: Equatable {
    let dx: Int
    let dy: Int
    /// Left out at every border, so that all shifts within it compare the same pixels.
    let border: Int

    /// The part of the sharp picture that is compared.
    func reference(_ sharp: Tensor) throws -> Tensor { try part(of: sharp, dx: 0, dy: 0) }

    /// The part of a restored picture that shows the same.
    func output(_ picture: Tensor) throws -> Tensor { try part(of: picture, dx: dx, dy: dy) }

    private func part(of picture: Tensor, dx: Int, dy: Int) throws -> Tensor {
        guard border > 0 else { return picture }
        let size = picture.shape
        return try picture.narrowed(2, start: border + dy, count: size[2] - 2 * border)
            .narrowed(3, start: border + dx, count: size[3] - 2 * border)
    }

    /// The shift with the least squared error.
    static func best(from picture: Tensor, to sharp: Tensor, reach: Int) throws -> Shift {
        let reference = try Shift(dx: 0, dy: 0, border: reach).reference(sharp)
        var best = (shift: Shift(dx: 0, dy: 0, border: reach), error: Double.infinity)
        for dy in -reach...reach {
            for dx in -reach...reach {
                let shift = Shift(dx: dx, dy: dy, border: reach)
                let error = try shift.output(picture).meanSquaredError(to: reference).item()
                if error < best.error { best = (shift, error) }
            }
        }
        return best.shift
    }
}
