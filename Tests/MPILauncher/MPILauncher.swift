import Foundation

/// The MPI launchers of this machine, for tests of several ranks; those that are missing are skipped.
public enum MPILauncher: String, CaseIterable, Sendable {
    case openMPI, mpich

    /// Those that are installed.
    public static let available = allCases.filter { $0.path != nil }
    public static var isAvailable: Bool { !available.isEmpty }
    public static let missing = "neither Open MPI's nor MPICH's mpirun is installed"

    /// The launcher's file.
    public var path: String? {
        switch self {
        case .openMPI: Self.openMPIPath
        case .mpich: Self.mpichPath
        }
    }

    /// The file of the library that goes with it, where it lies in one of the usual folders.
    public var library: String? {
        guard let path else { return nil }
        let own = ((path as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
        let folders = [
            "\(own)/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
        ]
        let names = self == .openMPI ? ["libmpi.so.40"] : ["libmpich.so.12", "libmpi.so.12"]
        return folders.flatMap { folder in names.map { "\(folder)/\($0)" } }
            .first(where: FileManager.default.fileExists(atPath:))
    }

    private static let openMPIPath = find(["mpirun.openmpi", "mpirun"], saying: "open-mpi")
    private static let mpichPath = find(["mpirun.mpich", "mpirun"], saying: "hydra")

    private static func find(_ names: [String], saying word: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return names.flatMap { name in folders.map { "\($0)/\(name)" } }
            .filter(FileManager.default.isExecutableFile(atPath:))
            .first { path in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: path)
                process.arguments = ["--version"]
                let pipe = Pipe()
                (process.standardOutput, process.standardError) = (pipe, FileHandle.nullDevice)
                guard (try? process.run()) != nil else { return false }
                let text = String(
                    decoding: (try? pipe.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
                process.waitUntilExit()
                return text.lowercased().contains(word)
            }
    }

    /// The launcher's arguments before the program's own: more ranks than cores are allowed.
    public func arguments(ranks: Int) -> [String] {
        switch self {
        case .openMPI:
            ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "\(ranks)"]
        case .mpich: ["-n", "\(ranks)"]
        }
    }
}
