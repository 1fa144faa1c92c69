import ArgumentParser
import Degradation
import Diffusion
import Foundation
import ImageFiles
import SR3
import Tensors
import Training

/// An error of the command line itself, with its exit status.
struct CommandError: Error, CustomStringConvertible {
    let status: Int32
    let description: String

    static func usage(_ text: String) -> CommandError { .init(status: EX_USAGE, description: text) }
    static func missing(_ text: String) -> CommandError { .init(status: EX_NOINPUT, description: text) }
    static func output(_ text: String) -> CommandError { .init(status: EX_CANTCREAT, description: text) }
}

/// Errors become one sentence and a status of sysexits.h.
enum Failure {
    /// Prints the sentence and ends the program; help and version, which the parser throws as
    /// well, go the parser's way.
    static func exit(_ error: any Error) -> Never {
        // Failures that were told already.
        if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
        if let status = status(of: error) {
            exit(error is CancellationError ? "interrupted; nothing was written" : "\(error)", status)
        }
        let code = Restore.exitCode(for: error)
        guard code == .validationFailure else { Restore.exit(withError: error) }
        exit(Restore.message(for: error), code.rawValue)
    }

    private static func exit(_ text: String, _ status: Int32) -> Never {
        say(text)
        Foundation.exit(status)
    }

    /// One sentence on standard error.
    static func say(_ text: String) {
        let sentence = text.split(separator: "\n").joined(separator: " ")
        try? FileHandle.standardError.write(contentsOf: Data("restore: \(sentence)\n".utf8))
    }

    static func status(of error: any Error) -> Int32? {
        switch error {
        case let error as CommandError: error.status
        case let error as ImageFileError:
            switch error.kind {
            case .notFound, .notAFile, .unreadable: EX_NOINPUT
            case .notAnImage, .unsupported, .corrupt, .invalidArgument: EX_DATAERR
            case .cannotWrite: EX_CANTCREAT
            case .ioError: EX_IOERR
            }
        case let error as TensorFileError:
            switch error.kind {
            case .notFound, .unreadable: EX_NOINPUT
            case .malformed, .unsupported, .missingTensor: EX_DATAERR
            case .cannotWrite: EX_CANTCREAT
            }
        case let error as RecipeError: error.kind == .missing ? EX_NOINPUT : EX_DATAERR
        case is ModelError, is DataError, is NetworkError, is DegradationError, is MemoryError: EX_DATAERR
        case is ScheduleError, is SamplingError, is DeviceError: EX_USAGE
        case is CancellationError: 130
        case is TensorError: EX_SOFTWARE
        case is CocoaError: EX_CANTCREAT
        default: nil
        }
    }
}
