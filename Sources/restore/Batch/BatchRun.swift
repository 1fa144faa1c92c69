import ArgumentParser
import Dispatch
import Foundation
import ImageFiles
import Parallel

/// Takes pictures through a command one after the other. While the network works on one, the next is
/// read and the one before is written, so that memory holds three at most.
final class BatchRun {
    /// Larger pictures are not read ahead: two of them may be too much for the memory.
    private static let readAheadPixels = 16_000_000

    private let plan: BatchPlan
    private let reading: ImageReadOptions
    private let writer: PictureWriter
    private let report: BatchReport
    private let exchange: BatchExchange
    private let isTelling: Bool
    /// Entries of the jobs that are this rank's.
    private let own: [Int]
    private let readingQueue = DispatchQueue(label: "reading")
    private let writingQueue = DispatchQueue(label: "writing")
    /// The picture that is read ahead, with its entry's index.
    private var ahead: (index: Int, picture: Background<ReadPicture>)?
    private var writing: Background<Void>?
    private var progress: BatchProgress

    /// - Parameter ranks: share out the pictures among them; rank 0 tells of all.
    init(_ plan: BatchPlan, files: PictureFiles, ranks: Communicator) {
        self.plan = plan
        reading = files.formats.reading
        writer = PictureWriter(files)
        progress = BatchProgress(plan.jobs)
        isTelling = ranks.isRoot
        report = BatchReport(
            plan, style: files.reportStyle(of: plan), showsProgress: isTelling && !files.quiet)
        exchange = BatchExchange(ranks) { [report] in report.tell([$0]) }
        own = plan.share(of: ranks)
    }

    /// - Parameter prepare: loads the model; called once, when the first picture is there.
    /// - Throws: what `prepare` throws; `ExitCode` after failures that were told; an error of status
    ///   130 after Ctrl-C.
    func run(prepare: () throws -> PictureWork) throws {
        var prepared: PictureWork?
        // What comes before the first picture.
        if isTelling { report.tell([]) }
        for (place, index) in own.enumerated() {
            guard case .job(let job) = plan.entries[index] else { continue }
            do {
                if Interrupt.isRequested { throw CancellationError() }
                let picture = try picture(at: index, job)
                readAhead(own[(place + 1)...].first)
                let work = try prepared ?? started(prepare)
                prepared = work
                try restore(picture, index, job, work)
            } catch let error as PreparationError {
                throw error.cause
            } catch is CancellationError {
                try finish(interrupted: true)
            } catch {
                finishWriting()
                exchange.add(
                    .init(
                        index: index, failed: error, pixels: progress.weight(of: job), work: prepared))
            }
            progress.finish(job)
            take(exchange.exchanged())
        }
        try finish(interrupted: false)
    }

    /// Rank 0 tells what has become of other ranks' pictures, and the run is further by them.
    private func take(_ outcomes: [BatchOutcome]) {
        guard isTelling else { return }
        for outcome in outcomes {
            if case .job(let job) = plan.entries[outcome.index] { progress.finish(job) }
        }
        report.tell(outcomes)
    }

    private func finish(interrupted: Bool) throws {
        finishWriting()
        guard try exchange.finish(interrupted: interrupted, tell: take) else {
            let status = isTelling ? report.finish(interrupted: false) : 0
            try exchange.end(status)
            if status != 0 { throw ExitCode(status) }
            return
        }
        try exchange.end(report.finish(interrupted: true))
        let (done, all) = (report.finishedCount, plan.jobs.count)
        // Every rank ends, and this one tells why.
        throw SharedFailure(
            cause: done > 0
                ? CommandError(
                    status: 130, description: "interrupted; \(done) of \(all) pictures were finished")
                : CancellationError())
    }

    /// Tells failures of the model apart from those of a picture: they end the run.
    private struct PreparationError: Error {
        let cause: any Error
    }

    private func started(_ prepare: () throws -> PictureWork) throws -> PictureWork {
        do {
            return try prepare()
        } catch {
            throw PreparationError(cause: error)
        }
    }

    // MARK: reading

    private func picture(at index: Int, _ job: PictureJob) throws -> ReadPicture {
        let reading = ahead?.index == index ? ahead?.picture : nil
        ahead = nil
        return try (reading ?? read(job)).valueUnlessInterrupted()
    }

    private func readAhead(_ next: Int?) {
        guard let next, case .job(let job) = plan.entries[next], let pixels = job.input.pixels,
            pixels <= Self.readAheadPixels
        else { return }
        ahead = (next, read(job))
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

    private func restore(_ picture: ReadPicture, _ index: Int, _ job: PictureJob, _ work: PictureWork) throws
    {
        let started = Date()
        let name = (job.input.path as NSString).lastPathComponent
        let show = { [unowned self] (done: Int, total: Int) in
            take(exchange.exchanged())
            let share = Double(done) / Double(max(1, total))
            report.progress(
                name, done: progress.pixels(with: share, of: job), of: progress.total,
                count: plan.isSeveral ? "\(progress.number)/\(progress.count)" : "\(done)/\(total)")
        }
        // What has no steps to tell of is seen to begin at least.
        if plan.isSeveral { show(0, 1) }
        let result = try work.restore(picture.image, job, show)
        finishWriting()
        write(result, of: picture, index, job, work, started: started)
    }

    // MARK: writing

    private func write(
        _ result: RestoredPicture, of picture: ReadPicture, _ index: Int, _ job: PictureJob,
        _ work: PictureWork, started: Date
    ) {
        let (model, method, seed) = (work.model, work.method, work.seed)
        writing = Background(on: writingQueue) { [writer, exchange] in
            var outcome: BatchOutcome
            do {
                let output = try writer.write(result, of: picture.image, job)
                outcome = BatchOutcome(index: index)
                outcome.notes = picture.notes
                outcome.inputSize = .init(width: picture.image.width, height: picture.image.height)
                outcome.outputSize = .init(width: output.width, height: output.height)
                outcome.seconds = Date().timeIntervalSince(started)
            } catch {
                outcome = BatchOutcome(index: index, failed: error, pixels: 0)
            }
            (outcome.model, outcome.method, outcome.seed) = (model, method, seed)
            exchange.add(outcome)
        }
    }

    /// What is being written is finished before anything else is.
    private func finishWriting() {
        try? writing?.value()
        writing = nil
    }
}
