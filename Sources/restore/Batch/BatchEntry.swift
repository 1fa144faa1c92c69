/// What happens to an input, in the order of the inputs.
enum BatchEntry {
    case job(PictureJob)
    case skipped(input: String, output: String?, SkipReason)
    case failed(input: String, output: String?, any Error)
    /// A folder in which no picture was found.
    case empty(String)
}
