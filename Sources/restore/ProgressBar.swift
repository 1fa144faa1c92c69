import Foundation

/// A line with a bar and the time left, drawn again and again; silent where nobody watches.
final class ProgressBar {
    private var label: String
    private let isShown: Bool
    private let start = Date()
    private var lastDraw = Date.distantPast
    private var isDrawn = false

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

    /// - Parameters:
    ///   - label: what is worked on now.
    ///   - count: how far the work is, in words.
    func update(_ done: Double, of total: Double, alreadyDone: Double, label: String, count: String) {
        self.label = label
        draw(done, of: total, alreadyDone: alreadyDone) { count }
    }

    private func draw(_ done: Double, of total: Double, alreadyDone: Double, count: () -> String) {
        guard isShown, total > 0, done == total || Date().timeIntervalSince(lastDraw) > 0.1 else { return }
        lastDraw = Date()
        isDrawn = true
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
    func finish() {
        guard isShown, isDrawn else { return }
        write("\r\u{1B}[K")
        isDrawn = false
    }

    private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
