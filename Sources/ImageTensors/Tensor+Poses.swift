import Tensors

extension Tensor {
    /// The ways to turn and mirror a picture. That of the picture as it is comes first, then the mirrored ones: a mean over
    /// a few poses gains more by them than by quarter turns.
    public static let poses = [0, 4, 2, 6, 1, 3, 5, 7]

    /// N×C×H×W in one of the eight poses: turned by quarters, and mirrored.
    ///
    /// - Parameter pose: bit 1: upside down; bit 2: mirrored; bit 0: of that rows and columns exchanged. In pose 0 a
    ///   picture stays as it is.
    public func posed(_ pose: Int) throws -> Tensor {
        let mirrored = Self.mirrored(pose)
        let x = try mirrored.isEmpty ? self : flipped(mirrored)
        return try pose & 1 == 0 ? x : x.permuted([0, 1, 3, 2])
    }

    /// The picture of which this one is the pose: `x.posed(k).unposed(k)` is x.
    public func unposed(_ pose: Int) throws -> Tensor {
        let x = try pose & 1 == 0 ? self : permuted([0, 1, 3, 2])
        let mirrored = Self.mirrored(pose)
        return try mirrored.isEmpty ? x : x.flipped(mirrored)
    }

    private static func mirrored(_ pose: Int) -> [Int] {
        (pose & 2 == 0 ? [] : [2]) + (pose & 4 == 0 ? [] : [3])
    }
}
