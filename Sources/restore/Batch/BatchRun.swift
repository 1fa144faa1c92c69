import Dispatch
import Foundation
import ImageFiles

/// Takes pictures through a command one after the other. While the network works on one, the next is
/// read and the one before is written, so that memory holds three at most.
final class BatchRun {
    /// Larger pictures are not read ahead: two of them may be too much for the memory.
    private static let readAheadPixels = 16_000_000

    private let plan: BatchPlan
    private let reading: ImageReadOptions
    private let writer: PictureWriter
    private let report: BatchReport
    private let readingQueue = DispatchQueue(label: "reading")
    private let writingQueue = DispatchQueue(label: "writing")
    /// The picture that is read ahead, with its entry's index.
    private var ahead: (index: Int, picture: Background<ReadPicture>)?
    private var writing: Background<Void>?
    private var progress: BatchProgress

    init(_ plan: BatchPlan, files: PictureFiles) {
        self.plan = plan
        reading = files.formats.reading
        writer = PictureWriter(files)
        progress = BatchProgress(plan.jobs)
        report = BatchReport(style: files.reportStyle(of: plan), showsProgress: !files.quiet)
    }

    /// - Parameter prepare: loads the model; called once, when the first picture is there.
    /// - Throws: what `prepare` throws; `ExitCode` after failures that were told; an error of status
    ///   130 after Ctrl-C.
    func run(prepare: () throws -> PictureWork) throws {
        var prepared: PictureWork?
        for (index, entry) in plan.entries.enumerated() {
            guard case .job(let job) = entry else {
                tell(entry)
                continue
            }
            do {
                if Interrupt.isRequested { throw CancellationError() }
                let picture = try picture(at: index, job)
                readAhead(after: index)
                let work = try prepared ?? started(prepare)
                prepared = work
                try restore(picture, job, work)
            } catch let error as PreparationError {
                throw error.cause
            } catch is CancellationError {
                try interrupted()
            } catch {
                finishWriting()
                report.failed(job.input.path, output: job.output, error, pixels: progress.weight(of: job))
            }
            progress.finish(job)
        }
        finishWriting()
        try report.finish()
    }

    /// Tells failures of the model apart from those of a picture: they end the run.
    private struct PreparationError: Error {
        let cause: any Error
    }

    private func started(_ prepare: () throws -> PictureWork) throws -> PictureWork {
        do {
            let work = try prepare()
            report.begin(work)
            return work
        } catch {
            throw PreparationError(cause: error)
        }
    }

    private func tell(_ entry: BatchEntry) {
        finishWriting()
        switch entry {
        case .job: break
        case .skipped(let input, let output, let reason): report.skipped(input, output: output, reason)
        case .failed(let input, let output, let error): report.failed(input, output: output, error)
        case .empty(let folder): report.empty(folder)
        }
    }

    // MARK: reading

    private func picture(at index: Int, _ job: PictureJob) throws -> ReadPicture {
        let reading = ahead?.index == index ? ahead?.picture : nil
        ahead = nil
        return try (reading ?? read(job)).valueUnlessInterrupted()
    }

    private func readAhead(after index: Int) {
        for next in plan.entries.indices.dropFirst(index + 1) {
            guard case .job(let job) = plan.entries[next] else { continue }
            if let pixels = job.input.pixels, pixels <= Self.readAheadPixels { ahead = (next, read(job)) }
            return
        }
    }

    private func read(_ job: PictureJob) -> Background<ReadPicture> {
        Background(on: readingQueue) { [reading, depth = writer.depth] in
            var notes: [String] = []
            var image = try PictureStreams.read(job.input, options: reading) { notes.append($0) }
            // More depth has to be there before the network fills it.
            if depth == 16 { image = try image.converted(bitDepth: 16) }
            return ReadPicture(image: image, notes: notes)
        }
    }

    // MARK: the network

    private func restore(_ picture: ReadPicture, _ job: PictureJob, _ work: PictureWork) throws {
        let started = Date()
        let name = (job.input.path as NSString).lastPathComponent
        let tell = { [progress, report, isSeveral = plan.isSeveral] (done: Int, total: Int) in
            let share = Double(done) / Double(max(1, total))
            report.progress(
                name, done: progress.pixels(with: share, of: job), of: progress.total,
                count: isSeveral ? "\(progress.number)/\(progress.count)" : "\(done)/\(total)")
        }
        // What has no steps to tell of is seen to begin at least.
        if plan.isSeveral { tell(0, 1) }
        let result = try work.restore(picture.image, job, tell)
        finishWriting()
        write(result, of: picture, job, started: started)
    }

    // MARK: writing

    private func write(
        _ result: RestoredPicture, of picture: ReadPicture, _ job: PictureJob, started: Date
    ) {
        writing = Background(on: writingQueue) { [writer, report] in
            do {
                let output = try writer.write(result, of: picture.image, job)
                report.done(job, from: picture, to: output, seconds: Date().timeIntervalSince(started))
            } catch {
                report.failed(job.input.path, output: job.output, error)
            }
        }
    }

    /// What is being written is finished, and told, before anything else is.
    private func finishWriting() {
        try? writing?.value()
        writing = nil
    }

    private func interrupted() throws {
        finishWriting()
        try report.finish(interrupted: true)
        let (done, all) = (report.finishedCount, plan.jobs.count)
        guard done > 0 else { throw CancellationError() }
        throw CommandError(status: 130, description: "interrupted; \(done) of \(all) pictures were finished")
    }
}
