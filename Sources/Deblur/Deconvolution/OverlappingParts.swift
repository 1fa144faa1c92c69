/// Parts of a side of a picture that overlap, and how much each of them counts at a pixel.
///
/// The shares of all parts at a pixel have the sum 1: they fade into one another around the bounds between them.
struct OverlappingParts: Sendable, Equatable {
    /// Pixels.
    let length: Int
    let count: Int

    /// How long a part should be without what it shares with others, and over how many pixels two parts fade, at most.
    private static let usual = 190.0
    private static let longestFade = 160
    /// Shorter sides are one part.
    private static let leastDivided = 540
    private static let most = 8

    init(length: Int, count: Int) { (self.length, self.count) = (length, max(1, count)) }

    /// As many as a kernel can be found in each of.
    init(length: Int) {
        let count = min(Self.most, Int((Double(length) / Self.usual).rounded()))
        self.init(length: length, count: length < Self.leastDivided ? 1 : count)
    }

    /// The same parts of another length.
    func scaled(to other: Int) -> OverlappingParts { OverlappingParts(length: other, count: count) }

    private func bound(_ index: Int) -> Int { index * length / count }

    /// Even.
    private var fade: Int { min(length / count, Self.longestFade) / 2 * 2 }

    /// The pixels where a part counts.
    func range(_ index: Int) -> Range<Int> {
        max(0, bound(index) - fade / 2)..<min(length, bound(index + 1) + fade / 2)
    }

    /// The part's shares at some pixels: above 0 in its range.
    func shares(_ index: Int, in place: Range<Int>) -> [Float] {
        /// The share of all parts from a bound on.
        func beyond(_ bound: Int, _ place: Int) -> Float {
            if bound == 0 { return 1 }
            if bound == length { return 0 }
            return min(1, max(0, (Float(place - bound) + 0.5) / Float(fade) + 0.5))
        }
        return place.map { beyond(bound(index), $0) - beyond(bound(index + 1), $0) }
    }
}
