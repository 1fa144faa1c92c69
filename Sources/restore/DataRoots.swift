import Foundation

/// Where a user's data lie: what the flags say, else RESTORE_DATA.
enum DataRoots {
    static func resolved(_ flags: [String]) -> [String] {
        if !flags.isEmpty { return flags }
        guard let standard = ProcessInfo.processInfo.environment["RESTORE_DATA"], !standard.isEmpty else {
            return []
        }
        return [standard]
    }

    /// The first file of a name in metrics/ under the folders.
    static func metricsFile(_ names: String..., in roots: [String]) -> String? {
        roots.flatMap { root in names.map { "\(root)/metrics/\($0)" } }.first {
            FileManager.default.fileExists(atPath: $0)
        }
    }

    /// The SqueezeNet trunk for SFD under the first folder that has it.
    static func squeezenet(_ roots: [String]) -> String? {
        metricsFile("squeezenet1_1_caffe_trunk.safetensors", in: roots)
    }

    /// A model for NIQE: the authors' under the folders, else the one that came with the program.
    static func niqeModel(_ roots: [String]) -> String? {
        metricsFile("niqe_pristine.safetensors", in: roots)
            ?? ModelStore.metricFolders.map { "\($0)/niqe-refitted.safetensors" }.first {
                FileManager.default.fileExists(atPath: $0)
            }
    }
}
