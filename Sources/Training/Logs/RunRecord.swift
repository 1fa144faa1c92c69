import Foundation
import Tensors

/// `run.json` of a run's folder: by what and from what its weights were made.
public struct RunRecord: Codable, Equatable, Sendable {
    /// A data set as it was found.
    public struct DataSet: Codable, Equatable, Sendable {
        public var name: String
        public var pictures: Int

        public init(name: String, pictures: Int) {
            self.name = name
            self.pictures = pictures
        }
    }

    /// One start of the program; a resumed run has several.
    public struct Start: Codable, Equatable, Sendable {
        /// Of restore.
        public var version: String
        public var libtorch: String
        public var device: String
        /// Of the CPU.
        public var threads: Int
        /// ISO 8601, UTC.
        public var time: String
        /// Steps made before.
        public var step: Int

        public init(version: String, device: Device, step: Int, time: Date = Date()) {
            self.version = version
            libtorch = libtorchVersion
            self.device = "\(device)"
            threads = Device.threads
            self.time = time.formatted(.iso8601)
            self.step = step
        }
    }

    public var recipe: String
    public var task: String
    public var dataSets: [DataSet]
    public var trainingPictures: Int
    public var validationPictures: Int
    public var starts: [Start]

    public init(
        recipe: Recipe, dataSets: [DataSet], trainingPictures: Int, validationPictures: Int, start: Start
    ) {
        self.recipe = recipe.name
        task = recipe.task.name
        self.dataSets = dataSets
        self.trainingPictures = trainingPictures
        self.validationPictures = validationPictures
        starts = [start]
    }

    public static func path(in folder: String) -> String { "\(folder)/run.json" }

    /// Writes `run.json`, and the recipe as `recipe.yaml`. Starts that are told of by the file that is there
    /// are kept if the run is resumed.
    ///
    /// - Parameter recipeText: what the run keeps with its weights; see ``ResolvedRecipe/text``.
    /// - Throws: `TensorFileError` `.cannotWrite`; the old files stay then.
    public func write(to folder: String, recipeText: String, isResumed: Bool) throws {
        var record = self
        if isResumed, let data = FileManager.default.contents(atPath: Self.path(in: folder)),
            let earlier = try? JSONDecoder().decode(RunRecord.self, from: data)
        {
            record.starts = earlier.starts + starts
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(record) + Data("\n".utf8), to: Self.path(in: folder))
        try AtomicFile.write(Data(recipeText.utf8), to: "\(folder)/recipe.yaml")
    }
}
