import Foundation

/// A line with a bar and the time left, drawn again and again; silent where nobody watches.
final class ProgressBar {
    private let label: String
    private let isShown: Bool
    private let start = Date()
    private var lastDraw = Date.distantPast

    init(_ label: String, quiet: Bool) {
        self.label = label
        isShown = !quiet && isatty(2) != 0
    }

    func update(_ done: Int, of total: Int) {
        guard isShown, total > 0, done == total || Date().timeIntervalSince(lastDraw) > 0.1 else { return }
        lastDraw = Date()
        let part = Double(done) / Double(total)
        let width = 30
        let filled = Int(part * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let elapsed = Date().timeIntervalSince(start)
        let left = done > 0 ? String(format: "ETA %.0f s", elapsed * (1 - part) / part) : "…"
        write("\r\u{1B}[K\(label) \(bar) \(done)/\(total)  \(left)")
    }

    /// Takes the line away, for the summary.
    func finish() { if isShown { write("\r\u{1B}[K") } }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
