import Foundation
import Testing

@testable import Evaluation

@Suite("Journal of measurements")
struct JournalTests {
    private let path = FileManager.default.temporaryDirectory
        .appendingPathComponent("journal-\(UUID().uuidString)").path
    private let entries = [
        EvaluationJournal.Entry(samples: 2, values: [30.5, .infinity, .nan], seconds: 0.5)
    ]

    private func reopened(_ identity: [String: String] = ["model": "a"]) throws -> EvaluationJournal {
        try EvaluationJournal(path: path, identity: identity)
    }

    private func isSame(_ found: [EvaluationJournal.Entry]?) -> Bool {
        guard let found, found.count == 1 else { return false }
        return found[0].samples == 2 && found[0].values[0] == 30.5 && found[0].values[1] == .infinity
            && found[0].values[2].isNaN && found[0].seconds == 0.5
    }

    @Test func whatWasWrittenIsKnownAgain() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try reopened().append(entries, for: "x")
        let again = try reopened()
        #expect(again.resumedCount == 1)
        #expect(isSame(again["x"]))
        #expect(again["y"] == nil)
    }

    /// A program that is killed can leave half a line.
    @Test(arguments: [1, 5, 20])
    func aTornLineIsDroppedAndTheRestKept(missing: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let journal = try reopened()
        try journal.append(entries, for: "x")
        try journal.append(entries, for: "y")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try bytes.dropLast(missing).write(to: URL(fileURLWithPath: path))
        let again = try reopened()
        #expect(isSame(again["x"]))
        #expect(again["y"] == nil)
        try again.append(entries, for: "z")
        let third = try reopened()
        #expect(isSame(third["x"]) && isSame(third["z"]))
        #expect(third.resumedCount == 2)
    }

    @Test func anotherModelBeginsAnew() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try reopened().append(entries, for: "x")
        #expect(try reopened(["model": "b"])["x"] == nil)
        // And the first one's are gone with it.
        #expect(try reopened()["x"] == nil)
    }

    @Test func foreignFilesAreReplacedAndRemoved() throws {
        try Data("not a journal\n".utf8).write(to: URL(fileURLWithPath: path))
        let journal = try reopened()
        #expect(journal.resumedCount == 0)
        journal.remove()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aFolderThatIsAbsentIsNamed() {
        #expect(throws: (any Error).self) {
            try EvaluationJournal(path: "/absent-folder/journal", identity: [:])
        }
    }

    /// Ranks write side by side; what any of them finished is known to all, also to fewer later.
    @Test func ranksShareWhatTheyFinished() throws {
        defer { try? reopened().remove() }
        let identity = ["model": "a"]
        func journal(_ rank: Int) throws -> EvaluationJournal {
            try EvaluationJournal(path: path, identity: identity, rank: rank)
        }
        for (rank, key) in [(0, "x"), (2, "y"), (1, "z")] { try journal(rank).append(entries, for: key) }
        let second = try journal(1)
        #expect(second.path == "\(path).rank1" && second.resumedCount == 3)
        #expect(isSame(second["x"]) && isSame(second["y"]) && isSame(second["z"]))
        let alone = try reopened()
        #expect(alone.resumedCount == 3)
        // Those of another model are none of theirs.
        #expect(try EvaluationJournal(path: path + "2", identity: identity, rank: 1)["x"] == nil)
        try EvaluationJournal(path: path + "2", identity: identity).remove()
        alone.remove()
        let folder = (path as NSString).deletingLastPathComponent
        let left = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(!left.contains { $0.hasPrefix((path as NSString).lastPathComponent) })
    }

    /// At the end there is one file, in the order in which one rank alone would have written it.
    @Test func ranksLeaveOneFile() throws {
        defer { try? reopened().remove() }
        func lines() throws -> [String] {
            try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        }
        func isThere(_ rank: Int) -> Bool { FileManager.default.fileExists(atPath: "\(path).rank\(rank)") }
        let identity = ["model": "a"]
        let alone = try reopened()
        for key in ["old", "a", "b", "c", "d"] { try alone.append(entries, for: key) }
        let wanted = try lines()
        try wanted.prefix(2).map { $0 + "\n" }.joined().write(toFile: path, atomically: true, encoding: .utf8)

        let ranks = try (0..<2).map { try EvaluationJournal(path: path, identity: identity, rank: $0) }
        for (rank, key) in [(1, "a"), (0, "b"), (1, "c")] { try ranks[rank].append(entries, for: key) }
        // What an earlier run of more ranks left is kept behind the rest.
        try EvaluationJournal(path: path, identity: identity, rank: 5).append(entries, for: "z")
        let first = try EvaluationJournal(path: path, identity: identity)
        try first.append(entries, for: "d")
        for key in ["old", "a", "b", "c", "d"] { first.learn(entries, for: key) }
        #expect(isThere(1) && isThere(5))
        try first.unite()
        let united = try lines()
        #expect(united.count == 7 && united.last?.contains("\"z\"") == true)
        #expect(Set(united.dropLast()) == Set(wanted))
        #expect(!isThere(1) && !isThere(5))
        try ranks[1].unite()
        #expect(try lines() == united)
        #expect(try reopened().resumedCount == 6)
    }

    /// Alone nothing changes.
    @Test func oneRanksFileStaysAsItIs() throws {
        defer { try? reopened().remove() }
        for _ in 0..<2 {
            let journal = try reopened()
            for key in ["b", "a"] where journal[key] == nil { try journal.append(entries, for: key) }
            for key in ["b", "a"] { journal.learn(entries, for: key) }
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            try journal.unite()
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        }
    }
}
