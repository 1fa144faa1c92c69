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

    /// The SqueezeNet trunk for SFD under the first folder that has it.
    static func squeezenet(_ roots: [String]) -> String? {
        roots.map { "\($0)/metrics/squeezenet1_1_caffe_trunk.safetensors" }.first {
            FileManager.default.fileExists(atPath: $0)
        }
    }
}
