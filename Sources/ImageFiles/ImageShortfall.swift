import CImageCodecs

/// What a reading that succeeded had to do without.
struct ImageShortfall {
    private var facts = ImageCodecShortfall()
    private var height = 0
    private var message = ""

    /// Nothing is missing.
    init() {}

    /// What a codec found.
    ///
    /// - Parameters:
    ///   - height: rows of the picture as stored.
    ///   - message: what was wrong with a damaged file.
    init(_ facts: ImageCodecShortfall, height: Int, message: String) {
        self.facts = facts
        self.height = height
        self.message = message
    }

    /// A sentence for each thing that is missing.
    func notes(name: String) -> [String] {
        var notes: [String] = []
        if facts.ends_early {
            notes.append("'\(name)' ends too early: \(extent) read")
        } else if facts.is_damaged {
            notes.append("'\(name)' is damaged (\(message)): \(extent) read before that")
        }
        if facts.lacks_profile {
            notes.append("the colour profile of '\(name)' cannot be used and was left out")
        }
        if facts.lacks_cmyk_profile {
            notes.append(
                "the CMYK profile of '\(name)' cannot be used: colours were converted without it")
        }
        if facts.lacks_texts {
            notes.append("texts of '\(name)' are too large or too many and were left out")
        }
        return notes
    }

    private var extent: String {
        if facts.passes == 0 || facts.total_passes == 1 {
            return facts.rows >= height ? "all rows were" : "\(facts.rows) of \(height) rows were"
        }
        let total = facts.total_passes > 0 ? " of \(facts.total_passes)" : ""
        return facts.passes == 1 && total.isEmpty
            ? "1 pass over the picture was" : "\(facts.passes)\(total) passes over the picture were"
    }
}
