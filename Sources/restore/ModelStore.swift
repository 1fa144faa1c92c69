import Foundation
import Tensors

/// The models that came with the program, and the user's own by path.
enum ModelStore {
    static let defaultSR = "sr3-x4"
    static let defaultDeblur = "deblur"

    /// The library targets that bring weights along.
    private static let targets = ["SR3", "Deblur"]

    static var folders: [String] {
        let sources = targets.flatMap {
            Installation.folders("models", source: "Sources/\($0)/Models", variable: "RESTORE_MODELS")
        }
        return sources + targets.flatMap(bundle)
    }

    /// Where the models of metrics lie, which restore nothing and are not listed with the others.
    static var metricFolders: [String] {
        Installation.folders("metrics", source: "Sources/Metrics/Models") + bundle("Metrics")
    }

    /// The resources of a target beside a build, if they are there.
    private static func bundle(_ target: String) -> [String] {
        ["\(Installation.executableFolder)/restore_\(target).resources/Models"].filter {
            FileManager.default.fileExists(atPath: $0)
        }
    }

    /// Name and path of every installed model, of several files that of their index; the first folder that has a name
    /// wins.
    static var all: [(name: String, path: String)] {
        var found: [String: String] = [:]
        for folder in folders {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            for suffix in [SafetensorsShards.suffix, ".safetensors"] {
                for file in files where file.hasSuffix(suffix) && !SafetensorsShards.isPart(file) {
                    let name = String(file.dropLast(suffix.count))
                    if found[name] == nil { found[name] = "\(folder)/\(file)" }
                }
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The file of a model given by name or by path.
    static func path(of model: String) throws -> String {
        if model.contains("/") || model.hasSuffix(".safetensors") || model.hasSuffix(SafetensorsShards.suffix)
        {
            return model
        }
        if let known = all.first(where: { $0.name == model }) { return known.path }
        // `real` stands for `sr3-x4-real` as long as no other model ends like that.
        let short = all.filter { $0.name.hasSuffix("-\(model)") }
        if short.count == 1 { return short[0].path }
        let names = all.map(\.name)
        throw CommandError.missing(
            names.isEmpty
                ? "there is no model '\(model)': no models are installed (RESTORE_MODELS names a folder of models)"
                : "there is no model '\(model)'; installed are \(names.joined(separator: ", "))")
    }
}
