/// The points that no other point beats in both distortion and perception.
///
/// Source: Blau and Michaeli, "The Perception-Distortion Tradeoff", CVPR 2018.
public enum ParetoFront {
    /// Ids along the front, from the best distortion to the best perception. Of equal points the first
    /// counts; points without one of the two values do not.
    public static func ids(
        of points: [SweepReport.Point], distortion: SweepReport.Metric, perception: SweepReport.Metric
    ) -> [String] {
        func loss(_ point: SweepReport.Point, _ metric: SweepReport.Metric) -> Double? {
            guard let value = point.values[metric.name], value.isFinite else { return nil }
            return metric.isHigherBetter ? -value : value
        }
        let known = points.enumerated().compactMap { index, point in
            loss(point, distortion).flatMap { x in
                loss(point, perception).map { (id: point.id, x: x, y: $0, index: index) }
            }
        }
        var best = Double.infinity
        return known.sorted { ($0.x, $0.y, $0.index) < ($1.x, $1.y, $1.index) }.filter { point in
            guard point.y < best else { return false }
            best = point.y
            return true
        }.map(\.id)
    }
}
