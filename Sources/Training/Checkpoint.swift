import Foundation
import Tensors

/// The state of a run on disk: live weights, EMA, optimiser and counters in one file.
///
/// The file is replaced atomically, and the one before it is kept as well: should the newest be
/// damaged by a failing disk, a run still goes on.
struct Checkpoint: Codable {
    var step: Int
    var samples: Int
    var seconds: Double
    var emaUpdates: Int
    /// The running mean of the loss, for the log.
    var averageLoss: Double?
    /// Where the first weights came from, if not from the seed.
    var origin: String?
    /// The data sets that those had learnt from.
    var originSets: [String] = []
    /// The digest of the network that took part in the search for lessons, if one did: a resumed run needs the same.
    var searchNetwork: String?

    /// The metadata's `format`.
    static let format = "restore-checkpoint"
    static let originSetsKey = "continued_from_sets"

    static func path(in directory: String) -> String { directory + "/checkpoint.safetensors" }
    static func previousPath(in directory: String) -> String {
        directory + "/checkpoint-previous.safetensors"
    }

    /// Whether a folder holds a run.
    static func exists(in directory: String) -> Bool {
        [path(in: directory), previousPath(in: directory)].contains {
            FileManager.default.fileExists(atPath: $0)
        }
    }

    func save(
        weights: [(name: String, value: Tensor)], ema: EMA, optimizer: RunOptimizer, recipe: String,
        in directory: String
    ) throws {
        let tensors =
            weights.map { ("model.\($0.name)", $0.value) } + ema.averages.map { ("ema.\($0.name)", $0.value) }
            + optimizer.state.map { ("optimizer.\($0.name)", $0.value) }
        var metadata = [
            "format": Self.format, "step": "\(step)", "samples": "\(samples)", "seconds": "\(seconds)",
            "ema_updates": "\(emaUpdates)", "recipe": recipe,
        ]
        metadata["average_loss"] = averageLoss.map { "\($0)" }
        metadata["continued_from"] = origin
        metadata[Self.originSetsKey] = originSets.isEmpty ? nil : ModelCard.text(ofSets: originSets)
        metadata["search_network"] = searchNetwork
        try keepLast(in: directory)
        try SafetensorsWriter.write(
            tensors.map { (name: $0.0, value: $0.1) }, metadata: metadata, to: Self.path(in: directory))
    }

    /// Gives the newest checkpoint a second name, under which it stays when the new one takes the first;
    /// there is a whole one at every moment.
    private func keepLast(in directory: String) throws {
        let (newest, previous) = (Self.path(in: directory), Self.previousPath(in: directory))
        let files = FileManager.default
        guard files.fileExists(atPath: newest) else { return }
        try? files.removeItem(atPath: previous)
        // Where there are no hard links, the one before is not kept.
        try? files.linkItem(atPath: newest, toPath: previous)
    }

    /// Reads a run's last checkpoint back into it, or the one before if that is damaged.
    ///
    /// - Parameter warn: told why the last was not taken.
    /// - Throws: ``DataError`` when it is of another recipe; what is wrong with the last when both are damaged.
    static func load(
        in directory: String, into module: Module, ema: EMA, optimizer: RunOptimizer, recipe: String,
        warn: (String) -> Void
    ) throws -> Checkpoint {
        let (newest, previous) = (path(in: directory), previousPath(in: directory))
        func load(_ path: String) throws -> Checkpoint {
            try Self.load(path, into: module, ema: ema, optimizer: optimizer, recipe: recipe)
        }
        guard FileManager.default.fileExists(atPath: previous) else { return try load(newest) }
        do {
            return try load(newest)
        } catch let error as TensorFileError {
            guard let checkpoint = try? load(previous) else { throw error }
            warn("\(error); continuing from the one before, of step \(checkpoint.step)")
            return checkpoint
        }
    }

    private static func load(
        _ path: String, into module: Module, ema: EMA, optimizer: RunOptimizer, recipe: String
    ) throws -> Checkpoint {
        let file = try SafetensorsFile(path: path)
        let data = file.metadata
        guard data["format"] == format, let step = data["step"].flatMap(Int.init),
            let samples = data["samples"].flatMap(Int.init),
            let seconds = data["seconds"].flatMap(Double.init),
            let updates = data["ema_updates"].flatMap(Int.init)
        else { throw DataError("'\(path)' is not a checkpoint of restore") }
        guard Recipe.saysTheSame(data["recipe"] ?? "", recipe, ignoresBudget: true) else {
            throw DataError(
                "'\(path)' was made by another version of this recipe: resume with that one (only the budget may change), or choose another --output"
            )
        }
        try module.load { try file.tensor("model.\($0)") }
        try ema.load({ try file.tensor("ema.\($0)") }, updates: updates)
        try optimizer.load { try file.tensor("optimizer.\($0)") }
        return Checkpoint(
            step: step, samples: samples, seconds: seconds, emaUpdates: updates,
            averageLoss: data["average_loss"].flatMap(Double.init), origin: data["continued_from"],
            originSets: ModelCard.sets(in: data[originSetsKey]), searchNetwork: data["search_network"])
    }
}
