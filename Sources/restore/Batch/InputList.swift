import ImageFiles

/// The arguments of a command as files: folders walked, patterns expanded.
struct InputList {
    private(set) var items: [InputItem] = []
    /// Whether more than one picture may come: several arguments, a folder, or a pattern.
    let isSeveral: Bool

    /// - Parameter excluded: folders that are written to and so are not walked.
    init(_ arguments: [String], isRecursive: Bool, excluding excluded: [String]) {
        var walk = FolderWalk(excluding: excluded)
        var isExpanded = false
        for argument in arguments {
            let status = argument == InputPicture.standardInput ? nil : FileStatus(argument)
            if let status, status.isFolder {
                isExpanded = isExpanded || isRecursive
                items += isRecursive ? walk.items(below: argument) : [Self.refused(folder: argument)]
            } else if status == nil, Pattern.isPattern(argument) {
                isExpanded = true
                items += Self.matches(of: argument, isRecursive: isRecursive, walk: &walk)
            } else {
                items.append(.picture(InputPicture(named: argument)))
            }
        }
        isSeveral = arguments.count > 1 || isExpanded
    }

    private static func refused(folder: String) -> InputItem {
        let sentence = "'\(folder)' is a folder: --recursive (-r) restores the pictures in it"
        return .failed(folder, CommandError.missing(sentence))
    }

    private static func matches(of pattern: String, isRecursive: Bool, walk: inout FolderWalk)
        -> [InputItem]
    {
        let names = Pattern.matches(pattern)
        guard !names.isEmpty else {
            return [.failed(pattern, CommandError.missing("no file matches '\(pattern)'"))]
        }
        return names.flatMap { name -> [InputItem] in
            guard FileStatus(name)?.isFolder == true else { return [InputPicture.found(name)] }
            return isRecursive ? walk.items(below: name) : [.skipped(name, .folder)]
        }
    }
}
