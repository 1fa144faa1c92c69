import Glibc

/// Ctrl-C as a question: the first one asks the work to stop at its next step, a second one
/// ends the program at once. SIGTERM and SIGUSR1, which batch systems send ahead of a job's end and
/// `mpirun` passes on to its ranks, mean the same.
enum Interrupt {
    // Written by the signal handler only, read by the working thread: a word is enough.
    nonisolated(unsafe) private static var received: sig_atomic_t = 0

    static func watch() {
        for number in [SIGINT, SIGTERM, SIGUSR1] {
            signal(number) { number in
                if Interrupt.received != 0 { _exit(128 + number) }
                Interrupt.received = 1
            }
        }
    }

    static var isRequested: Bool { received != 0 }
}
