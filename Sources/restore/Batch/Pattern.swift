import Glibc

/// A shell pattern that the shell left to us, in quotes for example.
enum Pattern {
    static func isPattern(_ text: String) -> Bool { text.contains { "*?[".contains($0) } }

    /// The names that match, sorted; hidden ones only where the pattern says so.
    static func matches(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard !pattern.utf8.contains(0), glob(pattern, GLOB_TILDE, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }
}
