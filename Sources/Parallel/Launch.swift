/// How this process was started, as far as the environment tells: by `mpirun` or `srun` as one rank
/// of several, or by itself.
public struct Launch: Sendable, Equatable {
    public let rank: Int
    /// nil where only MPI knows.
    public let size: Int?
    /// Who started it, in words.
    public let launcher: String
    /// Names of MPI libraries in the order they are tried.
    public let libraries: [String]

    /// Names the MPI library that is used, or is `off`: every process then works by itself.
    static let variable = "RESTORE_MPI"

    /// nil where the process is alone, so that no MPI is needed.
    public init?(environment: [String: String]) {
        func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
        let given = environment[Self.variable]
        guard given != "off" else { return nil }
        let openMPI = ["libmpi.so.40", "libmpi.so.80"]
        let mpich = ["libmpi.so.12", "libmpich.so.12"]
        let plain = ["libmpi.so"]
        let own: [String]
        if let rank = number("OMPI_COMM_WORLD_RANK"), let size = number("OMPI_COMM_WORLD_SIZE") {
            (self.rank, self.size, launcher, own) = (rank, size, "mpirun", openMPI + plain + mpich)
        } else if let rank = number("PMI_RANK"), let size = number("PMI_SIZE") {
            // MPICH's launcher may itself be a step of Slurm's, whose ranks are then others.
            let isStep = environment["MPI_LOCALRANKID"] == nil && number("SLURM_PROCID") != nil
            (self.rank, self.size, own) = (rank, size, mpich + plain + openMPI)
            launcher = isStep ? "srun" : "mpirun"
        } else if let rank = number("SLURM_PROCID"), let size = number("SLURM_STEP_NUM_TASKS") {
            // SLURM_NTASKS is set in the script of a job, too, where nothing is parallel yet.
            (self.rank, self.size, launcher, own) = (rank, size, "srun", openMPI + mpich + plain)
        } else if let rank = number("PMIX_RANK") {
            (self.rank, self.size, launcher, own) = (rank, nil, "a PMIx launcher", openMPI + plain + mpich)
        } else {
            return nil
        }
        libraries = given.map { [$0] } ?? own
        if let size, size < 2 { return nil }
    }
}
