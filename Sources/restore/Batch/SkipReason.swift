/// Why an input is passed over without being a failure.
enum SkipReason: CustomStringConvertible {
    case exists(output: String)
    case earlierOutput(of: String)
    case notAPicture
    case folder

    var description: String {
        switch self {
        case .exists(let output): "'\(output)' exists"
        case .earlierOutput(let original): "it is the output of '\(original)' from an earlier run"
        case .notAPicture: "it is not a picture"
        case .folder: "it is a folder, and --recursive (-r) is not given"
        }
    }
}
