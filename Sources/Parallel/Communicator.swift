import CMPI
import Foundation
import Tensors

/// The ranks of a run: this process alone, or all that `mpirun` or `srun` started.
///
/// Calls that speak of all ranks must be made by all of them, in the same order. One thread calls at
/// a time.
public final class Communicator: Sendable {
    public let rank: Int
    public let size: Int
    /// The machine's name.
    public let host: String
    /// This rank's place among those of its machine, and how many those are.
    public let localRank: Int
    public let localSize: Int
    /// As the MPI library calls itself; nil without one.
    public let library: String?

    public var isParallel: Bool { size > 1 }
    /// Whether this rank writes and tells what concerns all.
    public var isRoot: Bool { rank == 0 }

    /// The communicator of a process that is alone: every call does at once what is left to do.
    public static let single = Communicator()

    private init() {
        (rank, size, localRank, localSize, library) = (0, 1, 0, 1, nil)
        host = Self.ownHost
    }

    /// As the kernel has it: nobody is asked over the network.
    private static var ownHost: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "unknown" }
    }

    /// Starts MPI where the process was started as one of several.
    ///
    /// - Throws: ``ParallelError`` where there is no usable MPI library.
    public static func start(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> Communicator {
        guard let launch = Launch(environment: environment) else { return single }
        return try Communicator(launch)
    }

    private init(_ launch: Launch) throws {
        var names = launch.libraries.map { UnsafePointer(strdup($0)) }
        defer { for name in names { free(UnsafeMutablePointer(mutating: name)) } }
        let count = launch.size.map { "\($0) ranks" } ?? "a rank of several"
        guard cm_start(&names, names.count) == 0 else {
            throw ParallelError(
                "\(launch.launcher) started \(count), but no MPI library can be used (\(Self.lastError)): install Open MPI or MPICH, name the library with \(Launch.variable), or set that to off"
            )
        }
        let library = String(cString: cm_library())
        (rank, size) = (Int(cm_rank()), Int(cm_size()))
        self.library = library
        if let expected = launch.size, expected != size {
            throw ParallelError(
                "\(launch.launcher) started \(count), but '\(library)' counts \(size): take \(launch.launcher) and library from the same MPI (\(Launch.variable) names another library; srun may need --mpi=pmix or --mpi=pmi2)"
            )
        }
        host = Self.ownHost
        let hosts = try Self.gathered(Array(host.utf8), size: size)
        let own = hosts[rank]
        localSize = hosts.count { $0 == own }
        localRank = hosts[..<rank].count { $0 == own }
    }

    /// Whether another thread than the one that started MPI may call, while that one waits.
    public var allowsOtherThreads: Bool { !isParallel || cm_thread_level() >= 2 }

    /// Whether MPI takes tensors where they lie on a GPU.
    public var readsCUDA: Bool { cm_supports_cuda() != 0 }

    // MARK: all ranks together

    public func barrier() throws {
        guard isParallel else { return }
        try Self.check(cm_barrier())
    }

    /// Copies one rank's values of the tensors to all.
    public func broadcast(_ tensors: [Tensor], from root: Int = 0) throws {
        guard isParallel else { return }
        try noGrad {
            for tensor in tensors {
                // MPI is handed memory of the CPU in one piece, whatever the tensor's device and layout.
                let plain = try tensor.detach().to(.cpu).contiguous().clone()
                try plain.withMemory { memory in
                    try Self.check(cm_broadcast(memory.baseAddress, memory.count, Int32(root)))
                }
                try tensor.copy(from: plain)
            }
        }
    }

    /// Every rank's bytes, which may differ in number.
    public func gathered(_ bytes: [UInt8]) throws -> [[UInt8]] {
        guard isParallel else { return [bytes] }
        return try Self.gathered(bytes, size: size)
    }

    /// Every rank's value.
    public func gathered<Value: Codable>(_ value: Value) throws -> [Value] {
        guard isParallel else { return [value] }
        return try gathered([UInt8](MessageCoding.encoder.encode(value))).map {
            try MessageCoding.decoder.decode(Value.self, from: Data($0))
        }
    }

    /// Begins to replace a contiguous float32 tensor's values by their sums over all ranks. Nobody may
    /// use it before the sum is there. Every rank begins its sums in the same order.
    public func beginSum(of tensor: Tensor) throws -> PendingSum {
        guard isParallel else { return PendingSum(request: nil, keeping: tensor) }
        guard tensor.dtype == .float32, !tensor.device.isCUDA || readsCUDA else {
            throw ParallelError("MPI cannot add up \(tensor.dtype) on \(tensor.device)")
        }
        return try tensor.withMemory { memory in
            var request: OpaquePointer?
            try Self.check(
                cm_sum_begin(
                    memory.baseAddress?.assumingMemoryBound(to: Float.self), memory.count / 4, &request))
            return PendingSum(request: request, keeping: tensor)
        }
    }

    /// Runs what every rank must be able to do. Where it fails on any of them, all throw.
    ///
    /// - Throws: ``SharedFailure``, with the rank's own error where all failed alike, else with that
    ///   of the first rank that failed.
    public func agree<Value>(_ body: () throws -> Value) throws -> Value {
        guard isParallel else { return try body() }
        let result = Result { try body() }
        var own: String?
        if case .failure(let error) = result { own = "\(error)" }
        let reasons = try gathered(Report(reason: own, host: host))
        guard let first = reasons.firstIndex(where: { $0.reason != nil }), let reason = reasons[first].reason
        else { return try result.get() }
        if case .failure(let error) = result, reasons.allSatisfy({ $0.reason == reason }) {
            throw SharedFailure(cause: error)
        }
        throw SharedFailure(cause: RankFailure(rank: first, host: reasons[first].host, reason: reason))
    }

    /// Runs what rank 0 alone does. Where it fails, all throw.
    ///
    /// - Returns: what `body` returned on rank 0, nil on the others.
    /// - Throws: ``SharedFailure``, with rank 0's own error there.
    public func onRoot<Value>(_ body: () throws -> Value) throws -> Value? {
        guard isParallel else { return try body() }
        let result = isRoot ? Result { try body() } : nil
        var own: String?
        if case .failure(let error) = result { own = "\(error)" }
        let report = try gathered(Report(reason: own, host: host))[0]
        guard let reason = report.reason else { return try result?.get() }
        if case .failure(let error) = result { throw SharedFailure(cause: error) }
        throw SharedFailure(cause: RankFailure(rank: 0, host: report.host, reason: reason))
    }

    private struct Report: Codable {
        var reason: String?
        var host: String
    }

    /// Throws on all ranks unless each has the same text.
    ///
    /// - Parameter name: what it is, for the sentence.
    public func requireSame(_ text: String, _ name: String) throws {
        let texts = try gathered(text)
        guard let other = texts.firstIndex(where: { $0 != texts[0] }) else { return }
        throw SharedFailure(cause: ParallelError("rank \(other) has other \(name) than rank 0"))
    }

    // MARK: one rank to another

    /// Sends bytes to another rank, which takes them with ``received(from:)``.
    public func send(_ bytes: [UInt8], to rank: Int) throws {
        try Self.check(cm_send(bytes, bytes.count, Int32(rank)))
    }

    /// The next message of another rank; nil where none has come.
    public func received(from rank: Int) throws -> [UInt8]? {
        var (found, count): (Int32, Int) = (0, 0)
        try Self.check(cm_probe(Int32(rank), &found, &count))
        guard found != 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        try Self.check(cm_receive(&bytes, count, Int32(rank)))
        return bytes
    }

    // MARK: the end

    /// Ends all ranks at once. Without MPI only this process.
    public func abort(status: Int32) -> Never {
        if isParallel { cm_abort(status) }
        exit(status)
    }

    /// Ends MPI, when every rank has done its work.
    public func finish() throws {
        guard isParallel else { return }
        try Self.check(cm_finish())
    }

    // MARK: calls

    private static var lastError: String {
        String(cString: cm_last_error()).split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    static func check(_ status: Int32) throws {
        guard status == 0 else { throw ParallelError(lastError) }
    }

    private static func gathered(_ bytes: [UInt8], size: Int) throws -> [[UInt8]] {
        var own = Int64(bytes.count)
        var counts = [Int64](repeating: 0, count: size)
        try check(cm_all_gather(&own, 8, &counts))
        return try counts.enumerated().map { rank, count in
            var part = rank == Int(cm_rank()) ? bytes : [UInt8](repeating: 0, count: Int(count))
            try check(cm_broadcast(&part, part.count, Int32(rank)))
            return part
        }
    }
}
