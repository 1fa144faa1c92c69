import Foundation
import Tensors
import Testing

@testable import Training

struct RunRecordTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func record(step: Int) throws -> RunRecord {
        RunRecord(
            recipe: try Recipe(yaml: recipeText(), path: "r.yaml"),
            dataSets: [.init(name: "bsds500", pictures: 400)], trainingPictures: 388, validationPictures: 12,
            start: .init(version: "1.2.3", device: .cpu, step: step, time: Date(timeIntervalSince1970: 0)))
    }

    private func read() throws -> RunRecord {
        let data = try #require(FileManager.default.contents(atPath: RunRecord.path(in: folder.path)))
        return try JSONDecoder().decode(RunRecord.self, from: data)
    }

    @Test func aRunSaysByWhatItWasMade() throws {
        let text = "# mine\n" + recipeText()
        try record(step: 0).write(to: folder.path, recipeText: text, isResumed: false)
        #expect(try String(contentsOfFile: "\(folder.path)/recipe.yaml", encoding: .utf8) == text)
        let record = try read()
        #expect(try record == self.record(step: 0))
        #expect(record.recipe == "tiny" && record.task == "sr3")
        let start = try #require(record.starts.first)
        #expect(start.version == "1.2.3" && start.device == "cpu" && start.threads == Device.threads)
        #expect(start.libtorch.hasPrefix("2.") && start.time == "1970-01-01T00:00:00Z")
    }

    @Test func aResumedRunKeepsItsStarts() throws {
        try record(step: 0).write(to: folder.path, recipeText: "a", isResumed: false)
        try record(step: 7).write(to: folder.path, recipeText: "a", isResumed: true)
        #expect(try read().starts.map(\.step) == [0, 7])
        // A new run in the folder has nothing to do with the old one, nor with a file that is no record.
        try record(step: 0).write(to: folder.path, recipeText: "a", isResumed: false)
        #expect(try read().starts.map(\.step) == [0])
        try folder.write("{", to: "run.json")
        try record(step: 3).write(to: folder.path, recipeText: "a", isResumed: true)
        #expect(try read().starts.map(\.step) == [3])
    }

    @Test func nothingIsLeftWhereItCannotBeWritten() throws {
        #expect(throws: TensorFileError.self) {
            try record(step: 0).write(to: "\(folder.path)/absent", recipeText: "a", isResumed: false)
        }
    }
}
