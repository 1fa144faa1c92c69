import Glibc

/// Memory asked for with care: an array that finds none ends the program.
enum Memory {
    /// Whether that many bytes can be had in one piece.
    static func isAvailable(_ count: Int) -> Bool {
        guard let memory = malloc(count) else { return false }
        free(memory)
        return true
    }
}
