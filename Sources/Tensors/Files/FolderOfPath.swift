extension String {
    /// A path without its last part: "a/b" and "a/b/" → "a", "b" → "", "/b" → "/".
    ///
    /// NSString's `deletingLastPathComponent` says the same, but traps where a path is one character long
    /// (Foundation on Linux, as of Swift 6.3).
    public var folderOfPath: String {
        var rest = self[...]
        func dropSlashes() { while rest.count > 1, rest.last == "/" { rest.removeLast() } }
        dropSlashes()
        guard let slash = rest.lastIndex(of: "/") else { return "" }
        rest = rest[...slash]
        dropSlashes()
        return String(rest)
    }
}
