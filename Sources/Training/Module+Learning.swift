import Tensors

extension Module {
    /// The parameters that a run changes.
    var learning: [(name: String, value: Tensor)] { parameters.filter { $0.value.requiresGrad } }
}
