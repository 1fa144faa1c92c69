import CTorch

/// Calls of a device that were written down once and can be asked for together, many times: a CUDA graph. What a CPU
/// asks a GPU for one by one can take it longer than the GPU needs to do it.
public final class DeviceGraph {
    private let handle: OpaquePointer

    /// Writes down what `body` asks a CUDA device for; nothing of it is done before ``replay()``.
    ///
    /// All of it must have been done before with tensors of the same shapes, and nothing may wait for the device. What
    /// is read are the tensors that `body` was given, in their memory of now; a number that the CPU gave stays as it is.
    /// Results are written into the same tensors each time.
    ///
    /// - Throws: what `body` throws, or ``TensorError`` where it cannot be written down.
    public init(_ device: Device, _ body: () throws -> Void) throws {
        guard case .cuda(let index) = device else {
            throw TensorError(operation: "graph", reason: "only a CUDA device has them")
        }
        handle = try withoutActuallyEscaping(body) { body in
            let recording = Recording(body)
            let made = withExtendedLifetime(recording) {
                ct_graph_record(
                    Int32(index),
                    { $0.map { Unmanaged<Recording>.fromOpaque($0).takeUnretainedValue().run() } ?? 1 },
                    Unmanaged.passUnretained(recording).toOpaque())
            }
            if let failure = recording.failure { throw failure }
            guard let made else { throw TensorError.last("graph", []) }
            return made
        }
    }

    deinit { ct_graph_free(handle) }

    /// Asks for all that was written down.
    public func replay() throws {
        guard ct_graph_replay(handle) == 0 else { throw TensorError.last("graph", []) }
    }

    private final class Recording {
        let body: () throws -> Void
        private(set) var failure: (any Error)?

        init(_ body: @escaping () throws -> Void) { self.body = body }

        func run() -> Int32 {
            do {
                try body()
                return 0
            } catch {
                failure = error
                return 1
            }
        }
    }
}
