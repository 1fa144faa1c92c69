import Degradation

/// Where it is known from how a picture is blurred.
public enum BlurSource: Sendable, Equatable {
    /// It is looked for in the picture in so many ways, 1…``Deconvolution/mostEstimates``, and the best estimate counts.
    case ways(Int)
    /// It was measured, or found in another picture.
    case kernel(BlurKernel)

    /// The same without a choice.
    var alone: BlurSource { if case .kernel = self { self } else { .ways(1) } }

    /// That of the picture in another pose, see `Tensor.posed(_:)`.
    func posed(_ pose: Int) -> BlurSource {
        if case .kernel(let kernel) = self { .kernel(kernel.posed(pose)) } else { self }
    }
}
