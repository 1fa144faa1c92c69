import Foundation

/// Where the program's own files lie: beside a build, or under an installation's share folder.
enum Installation {
    /// The folder of the running executable, links resolved.
    static var executableFolder: String {
        let path =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        return path.folderOfPath
    }

    /// Folders that may hold a kind of file (`models`, `recipes`, `datasets`), best first.
    static func folders(_ kind: String, source: String, variable: String? = nil) -> [String] {
        var found: [String] = []
        if let variable, let path = ProcessInfo.processInfo.environment[variable], !path.isEmpty {
            found.append(path)
        }
        let folder = executableFolder
        found.append("\(folder)/../share/restore/\(kind)")
        // A build lies three or four levels below the checkout (.build/TRIPLE/release).
        var parent = folder
        for _ in 0..<4 {
            parent = parent.folderOfPath
            if FileManager.default.fileExists(atPath: "\(parent)/Package.swift") {
                found.append("\(parent)/\(source)")
            }
        }
        return found.filter { FileManager.default.fileExists(atPath: $0) }
    }

    static var manifests: [String] { folders("datasets", source: "Datasets", variable: "RESTORE_DATASETS") }

    /// Where a user's programs keep what they can make again; nil where the environment tells of no such place.
    static var cache: String? {
        let environment = ProcessInfo.processInfo.environment
        func folder(_ variable: String) -> String? { environment[variable].flatMap { $0.isEmpty ? nil : $0 } }
        let base = folder("XDG_CACHE_HOME") ?? folder("HOME").map { "\($0)/.cache" }
        return base.map { "\($0)/restore" }
    }
}
