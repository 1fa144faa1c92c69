import Foundation
import ImageFiles

/// Tells what becomes of each picture, in the order of the inputs whichever rank it is from, and how
/// far the run is.
final class BatchReport: @unchecked Sendable {
    /// How much is told on standard output.
    enum Style {
        case silent, lines, json
    }

    private let style: Style
    private let entries: [BatchEntry]
    private let lock = NSLock()
    // All below are used under the lock.
    private let bar: ProgressBar
    private let started = Date()
    private var summary = BatchSummary()
    private var statuses: Set<Int32> = []
    private var isPictureFound = false
    private var isEmptyFolderTold = false
    /// What has become of jobs that were not told yet, by their entries.
    private var known: [Int: BatchOutcome] = [:]
    /// The entry that is told next.
    private var next = 0
    /// Pixels of failures, which took no time.
    private var freePixels = 0.0

    init(_ plan: BatchPlan, style: Style, showsProgress: Bool) {
        self.style = style
        entries = plan.entries
        bar = ProgressBar("", quiet: !showsProgress)
    }

    /// - Parameters:
    ///   - done: pixels restored so far, the current picture's with its share of steps.
    ///   - count: how far the run is, in words.
    func progress(_ name: String, done: Double, of total: Double, count: String) {
        lock.withLock { bar.update(done, of: total, alreadyDone: freePixels, label: name, count: count) }
    }

    /// Takes what became of jobs, and tells of all entries up to the first job that is still open.
    func tell(_ outcomes: [BatchOutcome]) {
        lock.withLock {
            for outcome in outcomes {
                known[outcome.index] = outcome
                // Told later, where others are before it, but counted now.
                freePixels += outcome.failure?.pixels ?? 0
            }
            tellNext()
        }
    }

    private func tellNext() {
        while next < entries.count {
            switch entries[next] {
            case .job(let job):
                guard let outcome = known.removeValue(forKey: next) else { return }
                tell(outcome, of: job)
            case .skipped(let input, let output, let reason): skipped(input, output: output, reason)
            case .failed(let input, let output, let error):
                failed(
                    input, output: output, "\(error)", status: Failure.status(of: error) ?? EX_SOFTWARE, nil)
            case .empty(let folder): empty(folder)
            }
            next += 1
        }
    }

    private func tell(_ outcome: BatchOutcome, of job: PictureJob) {
        if let failure = outcome.failure {
            failed(
                job.input.path, output: job.output, failure.sentence, status: failure.status, outcome)
        } else {
            done(job, outcome)
        }
    }

    private func done(_ job: PictureJob, _ outcome: BatchOutcome) {
        isPictureFound = true
        summary.done += 1
        if job.replaces { summary.overwritten += 1 }
        bar.finish()
        outcome.notes.forEach(Failure.say)
        let seconds = outcome.seconds ?? 0
        tell(
            BatchRecord(
                input: job.input.path, output: job.output, status: .done,
                reason: outcome.notes.isEmpty ? nil : outcome.notes.joined(separator: "; "),
                inputSize: outcome.inputSize.map { ($0.width, $0.height) },
                outputSize: outcome.outputSize.map { ($0.width, $0.height) },
                seconds: (seconds * 1000).rounded() / 1000, model: outcome.model, method: outcome.method,
                seed: outcome.seed)
        ) {
            let size = [outcome.inputSize, outcome.outputSize].compactMap(\.self)
                .map { "\($0.width)×\($0.height)" }
            let sizes = size.first == size.last ? size.first ?? "" : size.joined(separator: " → ")
            let time = String(format: "%.1f s", seconds)
            return "\(job.input.path) → \(job.output): \(sizes), \(outcome.method ?? ""), \(time)"
        }
    }

    private func failed(
        _ input: String, output: String?, _ sentence: String, status: Int32, _ outcome: BatchOutcome?
    ) {
        isPictureFound = true
        summary.failed += 1
        statuses.insert(status)
        bar.finish()
        Failure.say(sentence)
        tell(
            BatchRecord(
                input: input, output: output, status: .failed, reason: sentence, model: outcome?.model,
                method: outcome?.method, seed: outcome?.seed)
        ) { nil }
    }

    private func skipped(_ input: String, output: String?, _ reason: SkipReason) {
        summary.skipped += 1
        var line: String? = "\(input): skipped, \(reason)"
        switch reason {
        case .exists:
            isPictureFound = true
            summary.existing += 1
        case .earlierOutput: isPictureFound = true
        // Folders hold many things; a line for each would drown the others.
        case .notAPicture: line = nil
        case .folder: break
        }
        let record = BatchRecord(input: input, output: output, status: .skipped, reason: "\(reason)")
        tell(record) { line }
    }

    /// A folder without pictures.
    private func empty(_ folder: String) {
        bar.finish()
        Failure.say("there are no pictures in '\(folder)'")
        isEmptyFolderTold = true
    }

    /// The last line.
    ///
    /// - Parameter interrupted: whether Ctrl-C ended the run.
    /// - Returns: the exit status; where it is not 0 its sentences have been told, but for Ctrl-C's.
    func finish(interrupted: Bool) -> Int32 {
        lock.withLock {
            // After Ctrl-C what is behind a picture that was given up.
            for index in known.keys.sorted() {
                if case .job(let job) = entries[index], let outcome = known[index] { tell(outcome, of: job) }
            }
            known = [:]
            summary.seconds = (Date().timeIntervalSince(started) * 1000).rounded() / 1000
            summary.status = interrupted ? 130 : status
            let summary = summary
            if !isPictureFound, !isEmptyFolderTold, !interrupted {
                Failure.say("there are no pictures among the inputs")
            }
            tell(summary) { summary.count > 1 ? "\(summary)" : nil }
            return summary.status
        }
    }

    var finishedCount: Int { lock.withLock { summary.done } }

    /// That of all failures if they agree, otherwise bad data.
    private var status: Int32 {
        guard isPictureFound else { return EX_NOINPUT }
        return statuses.count > 1 ? EX_DATAERR : statuses.first ?? 0
    }

    private func tell(_ record: some Encodable, line: () -> String?) {
        bar.finish()
        switch style {
        case .silent: return
        case .lines:
            guard let line = line() else { return }
            print(line)
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            guard let data = try? encoder.encode(record) else { return }
            print(String(decoding: data, as: UTF8.self))
        }
        // Whoever reads a pipe wants each line when it is true.
        fflush(nil)
    }
}
