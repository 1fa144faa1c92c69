import CTorch

/// A mark in what a device was asked to do so far by this thread; the CPU, which does at once what it
/// is asked, has always reached it.
public final class DeviceMark {
    private let handle: OpaquePointer?

    public init(_ device: Device) throws {
        guard case .cuda(let index) = device else {
            handle = nil
            return
        }
        guard let made = ct_cuda_mark(Int32(index)) else { throw TensorError.last("mark", []) }
        handle = made
    }

    deinit { if let handle { ct_mark_free(handle) } }

    /// Whether everything before the mark is done.
    public func isReached() throws -> Bool {
        guard let handle else { return true }
        let state = ct_mark_reached(handle)
        guard state >= 0 else { throw TensorError.last("mark", []) }
        return state == 1
    }

    public func wait() throws {
        guard let handle else { return }
        guard ct_mark_wait(handle) == 0 else { throw TensorError.last("wait for a mark", []) }
    }
}
