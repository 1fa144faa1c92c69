import Foundation
import Tensors

/// The state of a run on disk: live weights, EMA, optimiser and counters in one file that
/// is replaced atomically.
struct Checkpoint {
    var step: Int
    var samples: Int
    var seconds: Double
    var emaUpdates: Int
    /// Where the first weights came from, if not from the seed.
    var origin: String?

    /// The metadata's `format`.
    static let format = "restore-checkpoint"

    static func path(in directory: String) -> String { directory + "/checkpoint.safetensors" }

    func save(
        weights: [(name: String, value: Tensor)], ema: EMA, optimizer: RunOptimizer, recipe: String,
        to path: String
    ) throws {
        let tensors =
            weights.map { ("model.\($0.name)", $0.value) } + ema.averages.map { ("ema.\($0.name)", $0.value) }
            + optimizer.state.map { ("optimizer.\($0.name)", $0.value) }
        var metadata = [
            "format": Self.format, "step": "\(step)", "samples": "\(samples)", "seconds": "\(seconds)",
            "ema_updates": "\(emaUpdates)", "recipe": recipe,
        ]
        metadata["continued_from"] = origin
        try SafetensorsWriter.write(
            tensors.map { (name: $0.0, value: $0.1) }, metadata: metadata, to: path)
    }

    /// Reads a checkpoint back into a run.
    ///
    /// - Throws: ``DataError`` when it is of another recipe or damaged.
    static func load(_ path: String, into module: Module, ema: EMA, optimizer: RunOptimizer, recipe: String)
        throws
        -> Checkpoint
    {
        let file = try SafetensorsFile(path: path)
        let data = file.metadata
        guard data["format"] == format, let step = data["step"].flatMap(Int.init),
            let samples = data["samples"].flatMap(Int.init),
            let seconds = data["seconds"].flatMap(Double.init),
            let updates = data["ema_updates"].flatMap(Int.init)
        else { throw DataError("'\(path)' is not a checkpoint of restore") }
        guard data["recipe"] == recipe else {
            throw DataError(
                "'\(path)' was made by another version of this recipe: resume with that one, or choose another --output"
            )
        }
        try module.load { try file.tensor("model.\($0)") }
        try ema.load({ try file.tensor("ema.\($0)") }, updates: updates)
        try optimizer.load { try file.tensor("optimizer.\($0)") }
        return Checkpoint(
            step: step, samples: samples, seconds: seconds, emaUpdates: updates,
            origin: data["continued_from"])
    }
}
