/// How far a run is, in pixels that were restored.
struct BatchProgress {
    let count: Int
    let total: Double
    /// Of the picture at work, from 1.
    private(set) var number = 1
    private var done = 0.0
    /// For pictures whose header does not tell.
    private let typical: Double

    init(_ jobs: [PictureJob]) {
        count = jobs.count
        let known = jobs.compactMap(\.input.pixels).map(Double.init)
        let typical = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
        total = jobs.map { $0.input.pixels.map(Double.init) ?? typical }.reduce(0, +)
        self.typical = typical
    }

    func weight(of job: PictureJob) -> Double { job.input.pixels.map(Double.init) ?? typical }

    /// - Parameter share: of the job's steps that are done, 0 to 1.
    func pixels(with share: Double, of job: PictureJob) -> Double { done + share * weight(of: job) }

    mutating func finish(_ job: PictureJob) {
        done += weight(of: job)
        number += 1
    }
}
