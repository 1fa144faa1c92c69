import Degradation
import Tensors

/// Blur from place to place.
extension BlurEstimator {
    /// Side of what a kernel is looked for in in each part, at most.
    private static let mostOfPart = 256
    /// Where more of the light than this stays in one pixel, the picture is taken for sharp, and parts are not looked at: they
    /// would find blur in texture. Of 14 sharp photographs 13 came to 0.51 and more, the other's kernel was the spectrum's; of their
    /// blurred copies 13 to 0.55 and less, the other was hardly blurred.
    private static let sharp: Float = 0.5
    /// In so many poses a network looks at a part: others look around it.
    private static let posesOfPart = 2

    /// Whether a picture is large enough for several kernels.
    static func isDivided(_ plane: Tensor) -> Bool {
        OverlappingParts(length: plane.shape[2]).count > 1
            || OverlappingParts(length: plane.shape[3]).count > 1
    }

    /// The blur of a large picture from place to place.
    ///
    /// Each part begins with the same kernel and looks at strong edges first; between two passes a kernel is moved
    /// half the way to the mean of those around it, so that errors, which differ from part to part, become less.
    ///
    /// - Parameters:
    ///   - gray: as ``estimates(ofLuma:network:alone:isCancelled:observe:)`` takes it.
    ///   - kernel: what that has found.
    /// - Returns: the same kernel everywhere in a picture that is not large or hardly blurred, and for a long blur: of ten photographs
    ///   whose blur was the same everywhere and 30 to 41 pixels long, parts lost four by 0.7 to 3.7 dB, and ten scenes gained nothing by them.
    /// - Throws: `CancellationError`.
    func field(
        ofLuma gray: Tensor, from kernel: BlurKernel, network: KernelNetwork,
        isCancelled: () -> Bool = { false }
    ) throws -> BlurField {
        let (height, width) = (gray.shape[2], gray.shape[3])
        let gray = try noGrad { try seen(gray) }
        guard !isLong(kernel), kernel.values.max() ?? 1 < Self.sharp, Self.isDivided(gray) else {
            return BlurField(kernel, height: height, width: width)
        }
        let (rows, columns) = (
            OverlappingParts(length: height), OverlappingParts(length: width)
        )
        let parts = try (0..<rows.count * columns.count).map {
            let part = try gray.part(rows.range($0 / columns.count), columns.range($0 % columns.count))
            return try Self.strongestPart(of: part, by: part, most: Self.mostOfPart).contiguous()
        }
        let start = KernelGuess(side: kernel.side, values: kernel.values).croppedOrPadded(side: side)
        var searches = parts.map { _ in KernelSearch(self, from: start) }
        for (pass, weight) in partPassEdgeWeights.enumerated() {
            if pass > 0 {
                let guesses = searches.map(\.guess)
                for index in searches.indices {
                    searches[index].move(
                        halfwayTo: Self.around(index, rows: rows.count, columns: columns.count).map {
                            guesses[$0]
                        })
                }
            }
            searches = try Device.oneOnEachThread(parts.count, isCancelled: isCancelled) { [searches] index in
                try noGrad {
                    var search = searches[index]
                    search.restart(edgeWeight: weight)
                    try look(
                        [.first, .last], level: 0, of: parts[index], &search, network,
                        poses: Self.posesOfPart, isCancelled: { false })
                    return search
                }
            }
        }
        let slopes = try parts.map {
            try ($0.forwardDifference(2).squared() + $0.forwardDifference(3).squared()).sum().item()
        }
        return BlurField(
            rows: rows, columns: columns, kernels: try searches.map { try $0.found(scale: 1).kernel },
            clearest: slopes.indices.max { slopes[$0] < slopes[$1] } ?? 0)
    }

    /// The parts of a grid that touch one of them, up to eight.
    private static func around(_ index: Int, rows: Int, columns: Int) -> [Int] {
        let (row, column) = (index / columns, index % columns)
        return (max(0, row - 1)...min(rows - 1, row + 1)).flatMap { y in
            (max(0, column - 1)...min(columns - 1, column + 1)).map { y * columns + $0 }
        }.filter { $0 != index }
    }
}
