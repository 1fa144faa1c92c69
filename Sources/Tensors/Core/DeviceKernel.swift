import CTorch
import Synchronization

/// A function of numbers that a CUDA device computes for each place of tensors in one pass, where libtorch's operators
/// take several. It is compiled when first used; where that fails, operators do the same from then on.
struct DeviceKernel: Sendable {
    /// That of the function template in ``code``.
    let name: String
    /// C++: `template <typename T> T NAME(T a, T b, …)`.
    let code: String
    /// The same by operators.
    let plain: @Sendable ([Tensor]) throws -> Tensor

    private static let hasFailed = Atomic(false)

    /// Whether there is a CUDA device whose libtorch compiles kernels.
    static var areSupported: Bool { ct_has_kernels() != 0 && !hasFailed.load(ordering: .relaxed) }

    /// - Parameter tensors: of the same type on the same device; they broadcast.
    func callAsFunction(_ tensors: Tensor...) throws -> Tensor {
        let handles = tensors.map { Optional($0.handle) }
        guard Self.areSupported else { return try plain(tensors) }
        if let result = withExtendedLifetime(tensors, { ct_kernel(code, name, handles, handles.count) }) {
            return Tensor(handle: result)
        }
        // If tensors do not fit each other, operators say so.
        let result = try plain(tensors)
        Self.hasFailed.store(true, ordering: .relaxed)
        return result
    }

    /// SiLU(x + bias).
    static let biasSiLU = DeviceKernel(
        name: "restore_bias_silu",
        code: """
            template <typename T> T restore_bias_silu(T x, T bias) {
              const float sum = float(x) + float(bias);
              return T(sum / (1.0f + expf(-sum)));
            }
            """
    ) { try ($0[0] + $0[1]).silu() }

    /// x + bias + other.
    static let biasAdd = DeviceKernel(
        name: "restore_bias_add",
        code: """
            template <typename T> T restore_bias_add(T x, T bias, T other) {
              return T(float(x) + float(bias) + float(other));
            }
            """
    ) { try $0[0] + $0[1] + $0[2] }
}
