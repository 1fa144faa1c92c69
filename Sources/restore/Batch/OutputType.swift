import ArgumentParser
import ImageFiles

/// The type of outputs whose name the user does not give.
enum OutputType: String, CaseIterable, ExpressibleByArgument {
    case png, jpg, same

    /// - Parameter input: the input's format.
    func format(of input: ImageFormat) -> ImageFormat {
        switch self {
        case .png: .png
        case .jpg: .jpeg
        case .same: input
        }
    }
}
