/// What an argument, or a name found in a folder, turned out to be.
enum InputItem {
    case picture(InputPicture)
    case skipped(String, SkipReason)
    case failed(String, any Error)
    /// A folder in which no picture was found.
    case empty(String)
}
