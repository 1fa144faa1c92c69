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
        draw(Double(done), of: Double(total), alreadyDone: 0) { "\(done)/\(total)" }
    }

    /// - Parameter alreadyDone: of what is done, what took no time because an earlier run did it.
    func update(_ done: Double, of total: Double, alreadyDone: Double) {
        draw(done, of: total, alreadyDone: alreadyDone) { String(format: "%.1f %%", 100 * done / total) }
    }

    private func draw(_ done: Double, of total: Double, alreadyDone: Double, count: () -> String) {
        guard isShown, total > 0, done == total || Date().timeIntervalSince(lastDraw) > 0.1 else { return }
        lastDraw = Date()
        let width = 30
        let filled = Int(done / total * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let elapsed = Date().timeIntervalSince(start)
        let fresh = done - alreadyDone
        let left = fresh > 0 ? "ETA \(Self.text(elapsed * (total - done) / fresh))" : "…"
        write("\r\u{1B}[K\(label) \(bar) \(count())  \(left)")
    }

    private static func text(_ seconds: Double) -> String {
        seconds < 120
            ? String(format: "%.0f s", seconds)
            : String(format: "%d:%02d h", Int(seconds) / 3600, Int(seconds) / 60 % 60)
    }

    /// Takes the line away, for the summary.
    func finish() { if isShown { write("\r\u{1B}[K") } }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
