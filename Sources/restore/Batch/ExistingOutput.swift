import ArgumentParser

/// What happens to an output that is there already.
enum ExistingOutput: String, EnumerableFlag {
    case overwrite, skipExisting

    static func help(for value: ExistingOutput) -> ArgumentHelp? {
        switch value {
        case .overwrite: "Replace outputs that exist (the default); also lets a picture replace itself."
        case .skipExisting: "Leave outputs that exist as they are and pass over their pictures."
        }
    }
}
