import Foundation
import ImageFiles
import Testing

@testable import Training

struct RunLogTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func eventFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasPrefix("events.out.tfevents.") }.sorted()
    }

    private func events(_ name: String) throws -> [[Int: TensorBoardReader.Field]] {
        let bytes = try #require(FileManager.default.contents(atPath: "\(folder.path)/\(name)"))
        return try TensorBoardReader.records(Array(bytes)).map(TensorBoardReader.message)
    }

    /// The one value of an event's summary.
    private func value(_ event: [Int: TensorBoardReader.Field]) throws -> [Int: TensorBoardReader.Field] {
        let summary = try TensorBoardReader.message(try #require(event[5]?.data))
        return try TensorBoardReader.message(try #require(summary[1]?.data))
    }

    /// The step of a session's start; nil for another event.
    private func start(_ event: [Int: TensorBoardReader.Field]) throws -> Int? {
        guard let session = event[7]?.data,
            try TensorBoardReader.message(session) == [1: .varint(1)]
        else { return nil }
        return event[2]?.integer
    }

    private func lines() throws -> [String] {
        let text = try String(contentsOfFile: RunLog.path(in: folder.path), encoding: .utf8)
        return text.split(separator: "\n").map(String.init)
    }

    private func measurement(_ step: Int) -> TrainingMeasurement {
        TrainingMeasurement(
            step: step, samples: step * 8, seconds: Double(step) / 2, loss: 0.25, learningRate: 1e-3,
            gradientNorm: 1.5, samplesPerSecond: 16)
    }

    // MARK: TensorBoard

    /// RFC 3720, B.4, and the usual check value.
    static let checksums: [(bytes: [UInt8], checksum: UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ([UInt8](0..<32), 0x46DD_794E), ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
        ([UInt8]("123456789".utf8), 0xE306_9283), ([], 0),
    ]

    @Test(arguments: checksums)
    func checksumsAreThoseOfTheStandard(bytes: [UInt8], checksum: UInt32) {
        #expect(CRC32C.checksum(bytes) == checksum)
        #expect(TensorBoardReader.crc32c(bytes) == checksum)
        #expect(TensorBoardReader.unmasked(CRC32C.masked(bytes)) == checksum)
    }

    @Test func numbersAreWrittenAsTheWireFormatSays() {
        var message = ProtobufMessage()
        message.add(1, 150)
        message.add(2, "testing")
        message.add(3, -1)
        message.add(16, Float(1))
        message.add(4, 0.5)
        var expected: [UInt8] = [0x08, 0x96, 0x01, 0x12, 7]
        expected += "testing".utf8
        expected += [0x18] + [UInt8](repeating: 0xFF, count: 9) + [0x01]
        expected += [0x85, 0x01, 0, 0, 0x80, 0x3F]
        expected += [0x21, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F]
        #expect(message.bytes == expected)
    }

    @Test func scalarsAndPicturesAreEvents() throws {
        let log = try RunLog(folder: folder.path, wallTime: 1_700_000_000.5)
        try log.scalar("loss", 0.125, step: 7, wallTime: 1_700_000_001)
        let picture = try Image(
            width: 3, height: 2, channels: 3, bitDepth: 8, samples: (0..<18).map { $0 * 9 })
        try log.image("validation/grid", picture, step: 1 << 40, wallTime: 1_700_000_002)
        try log.scalar("loss", .nan, step: 8, wallTime: 1_700_000_003)
        // What was told is with the system at once, before anything is closed.
        let names = try eventFiles()
        #expect(names.count == 1)
        #expect(names[0].wholeMatch(of: /events\.out\.tfevents\.1700000000\.[A-Za-z0-9_.-]+/) != nil)
        let events = try events(names[0])
        try #require(events.count == 5)
        #expect(
            events[0] == [1: .fixed64((1_700_000_000.5).bitPattern), 3: .bytes(Array("brain.Event:2".utf8))])
        #expect(try start(events[1]) == 0)
        #expect(events[2][1]?.double == 1_700_000_001 && events[2][2]?.integer == 7)
        let loss = try value(events[2])
        #expect(loss.count == 2 && loss[1]?.string == "loss" && loss[2]?.float == 0.125)
        #expect(events[3][2]?.integer == 1 << 40)
        let grid = try value(events[3])
        #expect(grid[1]?.string == "validation/grid")
        let image = try TensorBoardReader.message(try #require(grid[4]?.data))
        #expect(image[1]?.integer == 2 && image[2]?.integer == 3 && image[3]?.integer == 3)
        let path = try folder.file("decoded.png")
        try Data(try #require(image[4]?.data)).write(to: URL(fileURLWithPath: path))
        #expect(try Image.read(from: path).samples == picture.samples)
        #expect(try value(events[4])[2]?.float?.isNaN == true)
    }

    @Test func aResumedRunTakesLaterEventsBack() throws {
        // The clock stands still, as it does within a second.
        for step in [nil, 20, nil] as [Int?] {
            let log = try RunLog(folder: folder.path, resuming: step, wallTime: 1_700_000_000)
            try log.scalar("loss", 1, step: 1)
            log.close()
        }
        let names = try eventFiles()
        #expect(names.map { $0.split(separator: ".")[3] } == ["1700000000", "1700000001", "1700000002"])
        for (name, step) in zip(names, [0, 21, 0]) {
            let events = try events(name)
            #expect(events.count == 3)
            #expect(try start(events[1]) == step)
        }
    }

    /// Killed at step 50 and resumed from the checkpoint of step 20, twice: no point is shown twice.
    @Test func orphanedPointsAreNotShown() throws {
        for (step, last) in [(nil, 50), (20, 40), (20, 60)] as [(Int?, Int)] {
            let log = try RunLog(folder: folder.path, resuming: step, wallTime: 1_700_000_000)
            for now in stride(from: (step ?? 0) + 10, through: last, by: 10) {
                try log.scalar("loss", Double(last), step: now)
            }
            log.close()
        }
        let points = try TensorBoardReader.shownPoints(in: folder.path)
        #expect(points.map(\.step) == [10, 20, 30, 40, 50, 60])
        #expect(points.map(\.value) == [50, 50, 60, 60, 60, 60])
    }

    // MARK: log.jsonl

    @Test func linesSayHowTheRunGoes() throws {
        let log = try RunLog(folder: folder.path)
        var now = measurement(10)
        try log.training(now)
        now.step = 11
        now.gradientNorm = nil
        now.loss = .infinity
        try log.training(now)
        try log.event(
            "validation", step: 11, text: ["grid": "a \"b\"\n"], numbers: [("psnr_mean", 27.5)])
        #expect(
            try lines() == [
                #"{"step":10,"samples":80,"seconds":5,"loss":0.25,"learning_rate":0.001,"gradient_norm":1.5,"samples_per_second":16}"#,
                #"{"step":11,"samples":80,"seconds":5,"loss":null,"learning_rate":0.001,"samples_per_second":16}"#,
                #"{"event":"validation","step":11,"grid":"a \"b\"\n","psnr_mean":27.5}"#,
            ])
        let tags = try events(try eventFiles()[0]).dropFirst(2).map { try value($0)[1]?.string }
        #expect(
            tags == [
                "train/loss", "train/learning_rate", "train/gradient_norm", "train/samples_per_second",
                "train/loss", "train/learning_rate", "train/samples_per_second",
            ])
        try log.flush()
        log.close()
    }

    @Test func aResumedLogReadsAsOneRun() throws {
        let first = try RunLog(folder: folder.path)
        for step in 1...30 { try first.training(measurement(step)) }
        try first.event("validation", step: 30)
        first.close()
        let whole = try lines()

        let second = try RunLog(folder: folder.path, resuming: 20)
        #expect(try lines() == Array(whole[..<20]))
        for step in 21...30 { try second.training(measurement(step)) }
        try second.event("validation", step: 30)
        #expect(try lines() == whole)
        second.close()

        // A checkpoint that is newer than the log takes nothing away; one of no step takes all.
        _ = try RunLog(folder: folder.path, resuming: 99)
        #expect(try lines() == whole)
        _ = try RunLog(folder: folder.path, resuming: 0)
        #expect(try lines().isEmpty)
    }

    @Test(arguments: ["{\"step\":3,\"lo", "{\"step\":3}", "\0\0\0"])
    func aTornLastLineIsDropped(torn: String) throws {
        try folder.write("{\"step\":1}\n{\"step\":2}\n\(torn)", to: "log.jsonl")
        let log = try RunLog(folder: folder.path, resuming: 5)
        try log.event("start", step: 5)
        #expect(try lines() == ["{\"step\":1}", "{\"step\":2}", "{\"event\":\"start\",\"step\":5}"])
    }

    @Test func aNewRunBeginsItsLogAnew() throws {
        try folder.write("{\"step\":1}\n", to: "log.jsonl")
        _ = try RunLog(folder: folder.path)
        #expect(try lines().isEmpty)
    }

    @Test func logsThatCannotBeWrittenAreNamed() throws {
        let absent = try #require(throws: RunFolderError.self) { try RunLog(folder: "\(folder.path)/absent") }
        #expect(
            absent.kind == .cannotWrite
                && absent.description.contains("absent/log.jsonl' cannot be written: "))
        let file = try AppendedFile(path: "/dev/full")
        let full = try #require(throws: RunFolderError.self) { try file.append([1]) }
        #expect(full.description == "'/dev/full' cannot be written: No space left on device")
    }
}
