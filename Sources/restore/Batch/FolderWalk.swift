import Glibc

/// Lists the files below folders, sorted by name. Hidden names are passed over; links are followed,
/// and no folder is entered twice, whichever way it is reached.
struct FolderWalk {
    private let excluded: Set<FileStatus.Identity>
    private var visited: Set<FileStatus.Identity> = []

    /// - Parameter excluded: folders not to enter, unless the user names them.
    init(excluding excluded: [String]) {
        self.excluded = Set(excluded.compactMap { FileStatus($0)?.identity })
    }

    /// What lies below a folder of the user's; nothing if an earlier walk came through it.
    mutating func items(below root: String) -> [InputItem] {
        var name = Substring(root)
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        guard let identity = FileStatus(root)?.identity, visited.insert(identity).inserted else { return [] }
        let items = items(in: String(name), subfolder: "")
        let hasContent = items.contains {
            switch $0 {
            case .picture, .failed: true
            case .skipped, .empty: false
            }
        }
        return hasContent ? items : items + [.empty(String(name))]
    }

    private mutating func items(in folder: String, subfolder: String) -> [InputItem] {
        let names: [String]
        do { names = try Self.names(in: folder) } catch { return [.failed(folder, error)] }
        return names.flatMap { name -> [InputItem] in
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            guard let status = FileStatus(path), status.isFolder else {
                return [InputPicture.found(path, subfolder: subfolder)]
            }
            guard !excluded.contains(status.identity), visited.insert(status.identity).inserted
            else { return [] }
            return items(in: path, subfolder: subfolder.isEmpty ? name : "\(subfolder)/\(name)")
        }
    }

    /// The names in a folder that are not hidden, sorted byte by byte.
    private static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            let reason = String(cString: strerror(errno))
            throw CommandError.missing("the folder '\(folder)' cannot be read: \(reason)")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let size = MemoryLayout.size(ofValue: entry.pointee.d_name)
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: size) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
