import Foundation

/// What Linux says of free memory.
enum MachineMemory {
    /// Bytes; nil where nothing can be read.
    static var available: Double? {
        [free(meminfo: text("/proc/meminfo")), left(in: groupFolder)].compactMap(\.self).min()
    }

    /// MemAvailable of /proc/meminfo, in bytes.
    static func free(meminfo: String?) -> Double? {
        let line = meminfo?.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }.map { $0 * 1024 }
    }

    /// What a control group (version 2) may still take: its limit less what it holds and cannot drop.
    static func left(in folder: String?) -> Double? {
        guard let folder,
            let limit = text("\(folder)/memory.max").flatMap({ Double($0.trimmingCharacters(in: .newlines)) }
            ),
            let held = text("\(folder)/memory.current").flatMap({
                Double($0.trimmingCharacters(in: .newlines))
            })
        else { return nil }
        // Cached file pages count as held but are given up when memory is short.
        let cached = text("\(folder)/memory.stat")?.split(separator: "\n")
            .first { $0.hasPrefix("inactive_file ") }
            .flatMap { Double($0.dropFirst("inactive_file ".count)) }
        return max(0, limit - held + (cached ?? 0))
    }

    private static var groupFolder: String? {
        let line = text("/proc/self/cgroup")?.split(separator: "\n").first { $0.hasPrefix("0::") }
        return line.map { "/sys/fs/cgroup\($0.dropFirst(3))" }
    }

    private static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
