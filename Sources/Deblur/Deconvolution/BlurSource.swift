import Degradation
import ImageTensors
import Tensors

/// Where it is known from how a picture is blurred.
public enum BlurSource: Sendable, Equatable {
    /// It is looked for in the picture in so many ways, 1…``Deconvolution/mostEstimates``, and the best one counts.
    case ways(Int)
    /// It was measured, or found in another picture.
    case kernel(BlurKernel)

    /// That of the picture in another pose, see `Tensor.posed(_:)`.
    func posed(_ pose: Int) throws -> BlurSource {
        guard case .kernel(let kernel) = self else { return self }
        // A kernel's own poses exchange and mirror in the other order.
        let plane = try Tensor(kernel.values, shape: [1, 1, kernel.side, kernel.side])
        return try .kernel(BlurKernel(side: kernel.side, exactly: plane.posed(pose).contiguous().floats()))
    }
}
