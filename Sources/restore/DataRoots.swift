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
}
