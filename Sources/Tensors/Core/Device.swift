import CTorch

/// Where a tensor lives and is computed with.
public enum Device: Sendable, Equatable, CustomStringConvertible {
    case cpu
    case cuda(Int)

    /// CUDA's first device where there is one, else the CPU.
    public static var automatic: Device { cudaCount > 0 ? .cuda(0) : .cpu }

    /// Number of CUDA devices libtorch can use; 0 without a CUDA build or a driver.
    public static var cudaCount: Int { Int(ct_cuda_device_count()) }

    /// Reads `auto`, `cpu`, `cuda` or `cuda:N`.
    ///
    /// - Throws: ``DeviceError`` when the name is none of these or the device does not exist.
    public init(named name: String) throws {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts.first.map(String.init), parts.count) {
        case ("auto", 1): self = .automatic
        case ("cpu", 1): self = .cpu
        case ("cuda", 1), ("cuda", 2):
            guard let index = parts.count == 2 ? Int(parts[1]) : 0, index >= 0 else {
                throw DeviceError(message: "'\(name)' names no device: use auto, cpu, cuda or cuda:N")
            }
            let count = Device.cudaCount
            guard index < count else {
                throw DeviceError(
                    message: count == 0
                        ? "there is no CUDA device that this libtorch can use; --device cpu works everywhere"
                        : "there is no device cuda:\(index): this machine has \(count)")
            }
            self = .cuda(index)
        default:
            throw DeviceError(message: "'\(name)' names no device: use auto, cpu, cuda or cuda:N")
        }
    }

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    public var isCUDA: Bool { self != .cpu }

    /// Waits until everything asked of the device is done; nothing to wait for on the CPU.
    public func synchronize() throws {
        guard case .cuda(let index) = self else { return }
        guard ct_cuda_synchronize(Int32(index)) == 0 else { throw TensorError.last("synchronize", []) }
    }

    /// Bytes that could be allocated now without swapping; nil where the system does not tell.
    ///
    /// On the CPU the smaller of what the kernel calls available and what is left to this control
    /// group, as containers and batch systems set it.
    public var availableMemory: Double? {
        switch self {
        case .cpu: MachineMemory.available
        case .cuda(let index):
            switch ct_cuda_free_memory(Int32(index)) {
            case 0: nil
            case let bytes: Double(bytes)
            }
        }
    }

    var number: (type: Int32, index: Int32) {
        switch self {
        case .cpu: (0, 0)
        case .cuda(let index): (1, Int32(index))
        }
    }

    /// Sets how many threads one operator may use on the CPU.
    public static func setThreads(_ count: Int) throws {
        guard ct_set_threads(Int32(clamping: count)) == 0 else { throw TensorError.last("set threads", []) }
    }

    /// How many threads one operator may use on the CPU.
    public static var threads: Int { Int(ct_threads()) }

    /// What `body` gives with operators of the CPU on one thread. Fourier transforms need it: on several threads their
    /// last bits are others, and where a program beside this one keeps a core busy their threads wait for
    /// each other by turning in circles, thirty times as long as one thread works.
    public static func onOneThread<Result>(_ body: () throws -> Result) throws -> Result {
        let count = threads
        guard count > 1 else { return try body() }
        try setThreads(1)
        let result = Swift.Result { try body() }
        try setThreads(count)
        return try result.get()
    }

    /// Gives memory of the CPU that nothing uses back to the system. What was freed lies between what is used, and the
    /// next tensors, of other sizes, need not fit there: pieces of a few megabytes thus grow to half as much again as was
    /// ever used at once.
    public static func releaseUnusedMemory() { ct_release_memory() }

    /// From now on keeps what is freed for the next tensors, until ``releaseUnusedMemory()``. The C library of Linux gives blocks of more than
    /// 32 MiB back at once, and the system clears every page of the next one: measures of photographs of some megapixels spent a third
    /// of their time so. For programs that go on with tensors as large, and made on the main thread; more memory is resident at once.
    public static func keepFreedMemory() { ct_keep_memory() }

    /// Lets CUDA try several algorithms for each new shape of a convolution and keep the fastest: it pays where shapes
    /// come back. For all threads.
    public static func tryConvolutions(_ tried: Bool) { ct_try_convolutions(tried ? 1 : 0) }

    /// Lets CUDA compute float32 convolutions in TF32: training speed for ten bits of mantissa. Products of matrices,
    /// by which pictures are resized, are always computed in float32.
    public static func allowTF32(_ allowed: Bool) { ct_allow_tf32(allowed ? 1 : 0) }
}

/// A device that was asked for and is not there.
public struct DeviceError: Error, CustomStringConvertible, Sendable {
    public let message: String
    public var description: String { message }
}
