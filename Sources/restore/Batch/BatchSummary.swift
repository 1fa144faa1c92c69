import Foundation

/// The counts of a run: its last line.
struct BatchSummary: Encodable, CustomStringConvertible {
    private let type = "summary"
    var done = 0
    /// Of those done, how many replaced a file.
    var overwritten = 0
    var skipped = 0
    /// Of those skipped, how many because the output exists.
    var existing = 0
    var failed = 0
    var seconds = 0.0
    /// The exit status.
    var status: Int32 = 0

    /// Pictures that were met, whatever became of them.
    var count: Int { done + skipped + failed }

    var description: String {
        let overwritten = overwritten > 0 ? " (\(overwritten) overwritten)" : ""
        let existing = existing > 0 ? " (\(existing) existing)" : ""
        let time = String(format: "%.1f s", seconds)
        return "\(done) restored\(overwritten), \(skipped) skipped\(existing), \(failed) failed, \(time)"
    }
}
