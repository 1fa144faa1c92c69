import Foundation

/// A file of events as TensorBoard reads them: TFRecord frames around hand-written protocol buffers
/// (`Event`, `Summary` and `SessionLog` of TensorFlow's event.proto and summary.proto).
final class TensorBoardFile {
    private let file: AppendedFile

    /// Begins a file of its own in a folder. Later files are read after earlier ones.
    ///
    /// - Parameter step: the first one that is told of here: events of earlier files from this step on are
    ///   taken back.
    /// - Throws: ``RunFolderError``
    init(folder: String, from step: Int, time: Double) throws {
        let last = Self.files(in: folder).compactMap(Self.time).max() ?? 0
        let stamp = max(Int(time), last + 1)
        file = try AppendedFile(path: "\(folder)/\(Self.prefix)\(stamp).\(Self.host)")
        var version = ProtobufMessage()
        version.add(1, time)
        version.add(3, "brain.Event:2")
        try write(version)
        // TensorBoard takes a folder's first START for its beginning and drops orphaned points at further ones
        // only. So every file has one, the first file too.
        var start = ProtobufMessage()
        start.add(1, 1)  // SessionLog.START
        try write(time: time, step: step, field: 7, start)
    }

    private static let prefix = "events.out.tfevents."

    /// Names of the event files in a folder.
    static func files(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix(prefix) }.sorted()
    }

    private static func time(of name: String) -> Int? {
        Int(name.dropFirst(prefix.count).prefix { $0 != "." })
    }

    /// The machine's name as far as it can stand in a file's name.
    private static var host: String {
        let name = ProcessInfo.processInfo.hostName.filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))
        }
        return name.isEmpty ? "localhost" : name
    }

    func scalar(_ tag: String, _ value: Double, step: Int, time: Double) throws {
        var one = ProtobufMessage()
        one.add(1, tag)
        one.add(2, Float(value))
        try summary(one, step: step, time: time)
    }

    /// - Parameters:
    ///   - png: the whole file.
    ///   - channels: 1 gray, 2 with transparency, 3 RGB, 4 with transparency.
    func image(_ tag: String, png: [UInt8], width: Int, height: Int, channels: Int, step: Int, time: Double)
        throws
    {
        var image = ProtobufMessage()
        image.add(1, height)
        image.add(2, width)
        image.add(3, channels)
        image.add(4, png)
        var one = ProtobufMessage()
        one.add(1, tag)
        one.add(4, image.bytes)
        try summary(one, step: step, time: time)
    }

    private func summary(_ value: ProtobufMessage, step: Int, time: Double) throws {
        var summary = ProtobufMessage()
        summary.add(1, value.bytes)
        try write(time: time, step: step, field: 5, summary)
    }

    private func write(time: Double, step: Int, field: Int, _ content: ProtobufMessage) throws {
        var event = ProtobufMessage()
        event.add(1, time)
        event.add(2, step)
        event.add(field, content.bytes)
        try write(event)
    }

    /// Length, its checksum, data, its checksum.
    private func write(_ event: ProtobufMessage) throws {
        let length = UInt64(event.bytes.count).littleEndianBytes
        try file.append(
            length + CRC32C.masked(length).littleEndianBytes + event.bytes
                + CRC32C.masked(event.bytes).littleEndianBytes)
    }

    func flush() throws { try file.flush() }
    func close() { file.close() }
}
