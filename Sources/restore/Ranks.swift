import Foundation
import Parallel

/// The ranks of this run, once a command has started them.
enum Ranks {
    // Set by the main thread, before there are others.
    nonisolated(unsafe) private(set) static var current = Communicator.single

    /// Starts MPI if `mpirun` or `srun` started this process as one of several.
    static func start() throws -> Communicator {
        if !current.isParallel { current = try Communicator.start() }
        return current
    }

    /// This process's rank, as far as the environment tells, before MPI is started.
    static var launchedRank: Int {
        Launch(environment: ProcessInfo.processInfo.environment)?.rank ?? 0
    }

    /// What fails on all ranks is told by rank 0, whose end ends the others within this time, by a signal.
    static func letRootSpeak() {
        signal(SIGTERM, SIG_DFL)
        usleep(3_000_000)
    }
}
