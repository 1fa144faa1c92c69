import ImageTensors
import Tensors

/// Keeps pictures free of the blotches that a predictor makes now and then.
///
/// Without normalisation nothing bounds what residual blocks add to one another: at some places of some pictures
/// values grow from block to block, and a blotch of wild colours some forty pixels wide comes out. It can be told by
/// how much of the deconvolved picture the network takes there: elsewhere that is nearly the same for all three
/// colours. Moved or mirrored the same picture has hardly ever a blotch in that place. So the network looks
/// again at the picture mirrored, and where a blotch was, that look counts. Pictures without one cost one look.
enum PredictionGuard {
    /// By how much colours may differ in their share, in the mean of 5×5 pixels, and how many times as much as in the
    /// mean of the picture. Of BSD100, blurred as in Results/deblur.md, 97 pictures stay below 0.06; in the three with
    /// blotches it is more than 0.13.
    private static let usualSpread = 0.09
    private static let timesMean = 4.0
    /// How far around a blotch its influence is taken to go, and over how many pixels looks are blended.
    private static let reach = 40
    private static let blend = 8
    /// In which the second, third and fourth look see the picture: mirrored, not turned.
    private static let poses = Tensor.poses[1...3]

    /// What the network says of a picture, put right.
    ///
    /// - Parameters:
    ///   - seen: N×6×H×W, the blurred picture and the deconvolved one.
    ///   - look: the predictor: N×6×H×W → what it adds and the share of the deconvolved picture, N×6×H×W.
    /// - Returns: the same shape. Where all looks have a blotch it is 0: the blurred picture stays as it is.
    static func steadied(_ seen: Tensor, look: (Tensor) throws -> Tensor) throws -> Tensor {
        var result = try look(seen)
        guard var doubt = try doubt(result) else { return result }
        for pose in poses {
            let other = try look(seen.posed(pose)).unposed(pose)
            guard let doubtOfOther = try self.doubt(other) else {
                return try result + (other - result) * doubt
            }
            result = try result + (other - result) * (doubt * (1 - doubtOfOther))
            doubt = try doubt * doubtOfOther
            guard try doubt.sum().item() > 0 else { return result }
        }
        return try result * (1 - doubt)
    }

    /// Where the output is not to be believed: from 0 to 1, N×1×H×W; nil for nowhere.
    private static func doubt(_ output: Tensor) throws -> Tensor? {
        let share = try (0..<3).map { try output.narrowed(1, start: 3 + $0, count: 1).to(.float32) }
        // The largest less the least of three is half the sum of their differences.
        let differences = try (0..<3).map { try (share[$0] - share[($0 + 1) % 3]).magnitude() }
        let spread = try ((differences[0] + differences[1] + differences[2]) / 2).movingMean(5)
        let limit = max(usualSpread, timesMean * (try spread.mean().item()))
        let isAbove = try spread.isAbove(limit).to(.float32)
        guard try isAbove.sum().item() > 0 else { return nil }
        return try isAbove.movingMaximum(2 * reach + 1).movingMean(2 * blend + 1)
    }
}
