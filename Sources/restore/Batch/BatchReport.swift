import ArgumentParser
import Foundation
import ImageFiles

/// Tells what becomes of each picture, in the order of the inputs, and how far the run is.
final class BatchReport: @unchecked Sendable {
    /// How much is told on standard output.
    enum Style {
        case silent, lines, json
    }

    private let style: Style
    private let lock = NSLock()
    // All below are used under the lock.
    private let bar: ProgressBar
    private let started = Date()
    private var summary = BatchSummary()
    private var statuses: Set<Int32> = []
    private var isPictureFound = false
    private var isEmptyFolderTold = false
    private var work: (model: String, method: String, seed: UInt64?)?
    /// Pixels of failures, which took no time.
    private var freePixels = 0.0

    init(style: Style, showsProgress: Bool) {
        self.style = style
        bar = ProgressBar("", quiet: !showsProgress)
    }

    /// The model is there.
    func begin(_ work: PictureWork) {
        lock.withLock { self.work = (work.model, work.method, work.seed) }
    }

    /// - Parameters:
    ///   - done: pixels restored so far, the current picture's with its share of steps.
    ///   - count: how far the run is, in words.
    func progress(_ name: String, done: Double, of total: Double, count: String) {
        lock.withLock { bar.update(done, of: total, alreadyDone: freePixels, label: name, count: count) }
    }

    func done(_ job: PictureJob, from picture: ReadPicture, to result: Image, seconds: Double) {
        lock.withLock {
            isPictureFound = true
            summary.done += 1
            if job.replaces { summary.overwritten += 1 }
            bar.finish()
            picture.notes.forEach(Failure.say)
            let before = (width: picture.image.width, height: picture.image.height)
            let after = (width: result.width, height: result.height)
            tell(
                BatchRecord(
                    input: job.input.path, output: job.output, status: .done,
                    reason: picture.notes.isEmpty ? nil : picture.notes.joined(separator: "; "),
                    inputSize: before, outputSize: after, seconds: (seconds * 1000).rounded() / 1000,
                    model: work?.model,
                    method: work?.method, seed: work?.seed)
            ) {
                let size = [before, after].map { "\($0.width)×\($0.height)" }
                let sizes = size[0] == size[1] ? size[0] : size.joined(separator: " → ")
                let time = String(format: "%.1f s", seconds)
                return "\(job.input.path) → \(job.output): \(sizes), \(work?.method ?? ""), \(time)"
            }
        }
    }

    /// - Parameter pixels: of the picture, which will take no time.
    func failed(_ input: String, output: String?, _ error: any Error, pixels: Double = 0) {
        lock.withLock {
            isPictureFound = true
            freePixels += pixels
            summary.failed += 1
            statuses.insert(Failure.status(of: error) ?? EX_SOFTWARE)
            bar.finish()
            Failure.say("\(error)")
            tell(
                BatchRecord(
                    input: input, output: output, status: .failed, reason: "\(error)", model: work?.model,
                    method: work?.method, seed: work?.seed)
            ) { nil }
        }
    }

    func skipped(_ input: String, output: String?, _ reason: SkipReason) {
        lock.withLock {
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
    }

    /// A folder without pictures.
    func empty(_ folder: String) {
        lock.withLock {
            bar.finish()
            Failure.say("there are no pictures in '\(folder)'")
            isEmptyFolderTold = true
        }
    }

    /// The last line.
    ///
    /// - Parameter interrupted: whether Ctrl-C ended the run.
    /// - Throws: `ExitCode` where the run failed, its sentences having been told.
    func finish(interrupted: Bool = false) throws {
        try lock.withLock {
            summary.seconds = (Date().timeIntervalSince(started) * 1000).rounded() / 1000
            summary.status = interrupted ? 130 : status
            let summary = summary
            if !isPictureFound, !isEmptyFolderTold, !interrupted {
                Failure.say("there are no pictures among the inputs")
            }
            tell(summary) { summary.count > 1 ? "\(summary)" : nil }
            if summary.status != 0, !interrupted { throw ExitCode(summary.status) }
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
