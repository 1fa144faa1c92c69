import Testing

@testable import Parallel

struct LaunchTests {
    @Test func aProcessByItselfNeedsNoMPI() {
        #expect(Launch(environment: [:]) == nil)
        #expect(Launch(environment: ["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"]) == nil)
        // The script of a Slurm job is no step of it.
        #expect(Launch(environment: ["SLURM_PROCID": "0", "SLURM_NTASKS": "8"]) == nil)
        let off = ["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "RESTORE_MPI": "off"]
        #expect(Launch(environment: off) == nil)
    }

    @Test func launchersAreTold() throws {
        let openMPI = try #require(
            Launch(environment: ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "1"]))
        #expect(openMPI.rank == 1 && openMPI.size == 4 && openMPI.launcher == "mpirun")
        #expect(openMPI.libraries.first == "libmpi.so.40")
        let hydra = try #require(Launch(environment: ["PMI_RANK": "2", "PMI_SIZE": "3"]))
        #expect(hydra.rank == 2 && hydra.size == 3 && hydra.libraries.first == "libmpi.so.12")
        let slurm = ["SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "6", "PMIX_RANK": "5"]
        let step = try #require(Launch(environment: slurm))
        #expect(step.rank == 5 && step.size == 6 && step.launcher == "srun")
        #expect(step.libraries.first == "libmpi.so.40")
        // MPICH's own launcher inside a step of Slurm's, and Slurm in its place.
        let both = slurm.merging(["PMI_RANK": "1", "PMI_SIZE": "4"]) { $1 }
        #expect(Launch(environment: both)?.launcher == "srun" && Launch(environment: both)?.rank == 1)
        let inner = try #require(Launch(environment: both.merging(["MPI_LOCALRANKID": "1"]) { $1 }))
        #expect(inner.launcher == "mpirun" && inner.rank == 1 && inner.size == 4)
        let given = try #require(
            Launch(environment: slurm.merging(["RESTORE_MPI": "/opt/mpi/libmpi.so"]) { $1 }))
        #expect(given.libraries == ["/opt/mpi/libmpi.so"])
        #expect(Launch(environment: ["PMIX_RANK": "3"])?.size == nil)
    }
}
