import MPILauncher
import Parallel
import Tensors
import Testing

/// Several processes of one program, started by whatever MPI is installed.
@Suite(.serialized, .enabled(if: MPILauncher.isAvailable, "\(MPILauncher.missing)"))
struct CommunicatorTests {
    @Test(arguments: MPILauncher.available) func collectives(_ launcher: MPILauncher) throws {
        let outcome = try ParallelProgram.run("collectives", by: launcher, ranks: 3)
        try #require(outcome.status == 0, "\(outcome.errors)")
        func all(_ text: String) -> [String] { (0..<3).map { "\($0): \(text)" } }
        #expect(
            outcome.lines
                == (0..<3).map { "\($0): rank \($0) of 3, local \($0) of 3" }
                + all("gathered [0, 3, 6] [-1, 1, 2]") + all("doubles true") + all("broadcast true true")
                + all("sum [6.0] [1.5, 1.5, 1.5]") + all("MPI cannot add up float64 on cpu")
                + ["from 1", "from 2", "left true"])
    }

    @Test(arguments: MPILauncher.available) func failuresAreShared(_ launcher: MPILauncher) throws {
        let outcome = try ParallelProgram.run("agree", by: launcher, ranks: 2)
        try #require(outcome.status == 0, "\(outcome.errors)")
        func all(_ text: String) -> [String] { (0..<2).map { "\($0): \(text)" } }
        #expect(
            outcome.lines
                == all("value 3") + all("all alike, own true") + all("rank 1 (HOST): just one")
                + all("rank 1 has other letters than rank 0"))
    }

    /// The gradients of a batch that is split are those of the whole, however they are grouped.
    @Test(arguments: MPILauncher.available) func gradients(_ launcher: MPILauncher) throws {
        for ranks in [2, 3] {
            let outcome = try ParallelProgram.run("gradients", by: launcher, ranks: ranks)
            try #require(outcome.status == 0, "\(outcome.errors)")
            let mean = Double(ranks - 1) / 2
            let steps = [(6, 6), (3, 0), (1, 1)].flatMap { count, early in
                Array(
                    repeating:
                        "buckets \(count) early \(early) close true true mean rank \(mean) unused true",
                    count: 2)
            }
            #expect(
                outcome.lines
                    == (steps + ["alone differs true"]).flatMap { line in
                        (0..<ranks).map { "\($0): \(line)" }
                    })
        }
    }

    /// No rank is left waiting for one that is gone.
    @Test(arguments: MPILauncher.available) func oneRankEndsAll(_ launcher: MPILauncher) throws {
        let aborted = try ParallelProgram.run("abort", by: launcher, ranks: 3)
        #expect(aborted.status == 65)
        let killed = try ParallelProgram.run("kill", by: launcher, ranks: 3)
        #expect(killed.status != 0)
        #expect((killed.errors + killed.output).contains("signal 9"))
    }

    @Test(arguments: MPILauncher.available) func unusableLibraries(_ launcher: MPILauncher) throws {
        let missing = try ParallelProgram.run(
            "agree", by: launcher, ranks: 2, environment: ["RESTORE_MPI": "libnothing.so"])
        #expect(missing.status != 0)
        #expect(
            missing.errors.contains(
                "mpirun started 2 ranks, but no MPI library can be used (libnothing.so"))
        let other = try ParallelProgram.run(
            "agree", by: launcher, ranks: 2, environment: ["RESTORE_MPI": "libm.so.6"])
        #expect(other.errors.contains("the MPI library has no MPI_Get_library_version"))
        // Each for itself.
        let off = try ParallelProgram.run(
            "collectives", by: launcher, ranks: 2, environment: ["RESTORE_MPI": "off"])
        #expect(off.lines.count { $0 == "0: rank 0 of 1, local 0 of 1" } == 2)
    }
}
