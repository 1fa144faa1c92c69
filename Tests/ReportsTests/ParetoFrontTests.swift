import Reports
import Testing

@Suite("Pareto front")
struct ParetoFrontTests {
    private func front(_ points: [(String, Double?, Double?)]) -> [String] {
        ParetoFront.ids(
            of: points.map { SampleReport.point($0.0, psnr: $0.1, sfd: $0.2) },
            distortion: SampleReport.metrics[0], perception: SampleReport.metrics[2])
    }

    @Test func onlyWhatIsBeatenInBothIsLeftOut() {
        let points: [(String, Double?, Double?)] = [
            ("worst", 20, 0.9), ("close", 30, 0.5), ("middle", 28, 0.3), ("beaten", 27, 0.4),
            ("natural", 25, 0.1),
        ]
        #expect(front(points) == ["close", "middle", "natural"])
    }

    @Test func equalPointsCountOnceAndTiesGoToTheBetter() {
        #expect(front([("a", 30, 0.5), ("b", 30, 0.5)]) == ["a"])
        #expect(front([("a", 30, 0.5), ("b", 30, 0.4)]) == ["b"])
        #expect(front([("a", 30, 0.5), ("b", 29, 0.5)]) == ["a"])
    }

    @Test func whatWasNotMeasuredIsNotOnIt() {
        #expect(front([("a", nil, 0.1), ("b", 30, .nan), ("c", 20, 0.9)]) == ["c"])
        #expect(front([]) == [])
    }
}
