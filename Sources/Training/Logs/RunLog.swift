import Foundation
import ImageFiles

/// What a run tells while it goes on, in its folder: `log.jsonl`, a JSON object a line, and event files
/// for TensorBoard. A resumed run's logs read as if it had never stopped.
///
/// Every line and event is with the system when its function returns. Numbers that are not finite are
/// null in `log.jsonl`.
public final class RunLog {
    private let lines: LineLog
    private let events: TensorBoardFile

    /// - Parameters:
    ///   - folder: it must be there.
    ///   - step: steps of the checkpoint a run is resumed from, and what was logged of later ones is dropped;
    ///     nil for a new run, which begins its logs anew.
    ///   - wallTime: seconds since 1970.
    /// - Throws: ``RunFolderError``, as all functions do.
    public init(
        folder: String, resuming step: Int? = nil, wallTime: Double = Date().timeIntervalSince1970
    ) throws {
        lines = try LineLog(path: Self.path(in: folder), resuming: step)
        events = try TensorBoardFile(folder: folder, from: step.map { $0 + 1 } ?? 0, time: wallTime)
    }

    /// `log.jsonl` of a run.
    public static func path(in folder: String) -> String { "\(folder)/log.jsonl" }

    /// A point of a curve, for TensorBoard only; stored in single precision.
    public func scalar(
        _ tag: String, _ value: Double, step: Int, wallTime: Double = Date().timeIntervalSince1970
    ) throws {
        try events.scalar(tag, value, step: step, time: wallTime)
    }

    /// A picture, for TensorBoard only.
    public func image(
        _ tag: String, _ image: Image, step: Int, wallTime: Double = Date().timeIntervalSince1970
    ) throws {
        try events.image(
            tag, png: try image.encoded(as: .png), width: image.width, height: image.height,
            channels: image.channels, step: step, time: wallTime)
    }

    /// A line of how the run goes, and its curves `train/…`.
    public func training(
        _ now: TrainingMeasurement, wallTime: Double = Date().timeIntervalSince1970
    ) throws {
        try lines.append(
            .object(
                [
                    ("step", .integer(now.step)), ("samples", .integer(now.samples)),
                    ("seconds", .number(now.seconds)),
                ] + now.figures.map { ($0.name, .number($0.value)) }))
        for figure in now.figures {
            try events.scalar("train/\(figure.name)", figure.value, step: now.step, time: wallTime)
        }
    }

    /// A line about anything else, for example `{"event":"validation","step":200,"psnr_mean":27.1}`.
    ///
    /// - Parameters:
    ///   - kind: the line's `event`.
    ///   - text, numbers: its further keys.
    public func event(
        _ kind: String, step: Int, text: KeyValuePairs<String, String> = [:],
        numbers: [(name: String, value: Double)] = []
    ) throws {
        try lines.append(
            .object(
                [("event", .string(kind)), ("step", .integer(step))]
                    + text.map { ($0.key, .string($0.value)) }
                    + numbers.map { ($0.name, .number($0.value)) }))
    }

    /// Waits until the disk has it, for example before a checkpoint.
    public func flush() throws {
        try lines.flush()
        try events.flush()
    }

    public func close() {
        lines.close()
        events.close()
    }
}
