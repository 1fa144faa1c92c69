import CMPI
import Tensors

/// A sum over all ranks that is under way.
public final class PendingSum {
    private var request: OpaquePointer?
    /// Alive while MPI writes into it.
    private let tensor: Tensor

    init(request: OpaquePointer?, keeping tensor: Tensor) {
        self.request = request
        self.tensor = tensor
    }

    deinit { if let request { cm_request_free(request) } }

    /// Lets MPI work on, and tells whether the sum is there.
    public func isDone() throws -> Bool {
        guard let request else { return true }
        var done: Int32 = 0
        try Communicator.check(cm_sum_test(request, &done))
        if done != 0 { free() }
        return done != 0
    }

    public func wait() throws {
        guard let request else { return }
        try Communicator.check(cm_sum_wait(request))
        free()
    }

    private func free() {
        cm_request_free(request)
        request = nil
    }
}
