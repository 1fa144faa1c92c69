import ArgumentParser
import Degradation
import Diffusion
import Foundation
import ImageFiles
import Parallel
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
    /// Prints the sentence and ends the program, all its ranks; help and version, which the parser
    /// throws as well, go the parser's way.
    static func exit(_ error: any Error) -> Never {
        // Failures that were told already.
        if let code = error as? ExitCode { end(code.rawValue) }
        if let shared = error as? SharedFailure {
            // The launcher's status is to be rank 0's where that is the one that failed.
            if !Ranks.current.isRoot, (shared.cause as? RankFailure)?.rank == 0 { end(EX_OK) }
            if Ranks.current.isRoot { say(sentence(of: shared.cause)) }
            end(status(of: shared.cause) ?? EX_SOFTWARE)
        }
        if let status = status(of: error) { exit(sentence(of: error), status) }
        let code = Restore.exitCode(for: error)
        guard code == .validationFailure else {
            // Help and version are the same on all ranks.
            if Ranks.launchedRank > 0 { exit(silently: error) }
            Restore.exit(withError: error)
        }
        exit(Restore.message(for: error), code.rawValue)
    }

    /// Ends a rank whose failure another tells.
    static func exit(silently error: any Error) -> Never {
        let code = Restore.exitCode(for: error)
        if code != .success { Ranks.letRootSpeak() }
        Foundation.exit(code.rawValue)
    }

    private static func sentence(of error: any Error) -> String {
        error is CancellationError ? "interrupted; nothing was written" : "\(error)"
    }

    /// The end of a failure that every rank knows of.
    private static func end(_ status: Int32) -> Never {
        try? Ranks.current.finish()
        Foundation.exit(status)
    }

    /// The end of a failure of this rank, with which the others cannot go on.
    private static func exit(_ text: String, _ status: Int32) -> Never {
        let ranks = Ranks.current
        if Ranks.launchedRank > 0 { Ranks.letRootSpeak() }
        say(ranks.isRoot ? text : "rank \(ranks.rank) (\(ranks.host)): \(text)")
        ranks.abort(status: status)
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
        case let error as RecipeError:
            switch error.kind {
            case .missing: EX_NOINPUT
            case .invalid: EX_DATAERR
            case .override: EX_USAGE
            }
        case let error as RunFolderError: error.kind == .inUse ? EX_TEMPFAIL : EX_CANTCREAT
        case is ModelError, is DataError, is NetworkError, is DegradationError, is MemoryError: EX_DATAERR
        case is ScheduleError, is SamplingError, is DeviceError: EX_USAGE
        case is CancellationError: 130
        case is ParallelError: EX_UNAVAILABLE
        case is RankFailure: EX_SOFTWARE
        case is TensorError: EX_SOFTWARE
        case is CocoaError: EX_CANTCREAT
        default: nil
        }
    }
}
