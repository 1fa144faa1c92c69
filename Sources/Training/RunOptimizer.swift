import Tensors

/// The optimiser of a run: AdamW for all parameters, or Muon for the convolutions inside the
/// network and AdamW for the rest.
final class RunOptimizer {
    private let adam: AdamW
    private let muon: Muon?

    init(_ parameters: [(name: String, value: Tensor)], settings: Recipe.OptimizerSettings) throws {
        // Muon is for weights between hidden layers; a network's first and last convolution stay
        // with AdamW, as do biases and the small layers of the level embedding.
        func isHidden(_ parameter: (name: String, value: Tensor)) -> Bool {
            let parts = parameter.name.split(separator: ".")
            let layer = parts.dropLast().last ?? ""
            return parameter.value.rank == 4 && layer != "input" && layer != "output"
        }
        let usesMuon = settings.method == .muon
        let rest = parameters.filter { !(usesMuon && isHidden($0)) }
        adam = try AdamW(
            rest,
            options: .init(
                beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
                weightDecay: settings.weightDecay))
        muon = try usesMuon ? Muon(parameters.filter(isHidden)) : nil
        self.parameters = parameters.map(\.value)
    }

    private let parameters: [Tensor]

    func clearGradients() { for parameter in parameters { parameter.clearGrad() } }

    /// - Parameters:
    ///   - learningRate: float32, one element, on the parameters' device.
    ///   - skip: there, 1 to leave everything as it is, 0 to go on.
    func step(learningRate: Tensor, skip: Tensor? = nil) throws {
        try adam.step(learningRate: learningRate, skip: skip)
        try muon?.step(learningRate: learningRate, skip: skip)
    }

    var state: [(name: String, value: Tensor)] { adam.state + (muon?.state ?? []) }

    func load(_ saved: (String) throws -> Tensor?) throws {
        try adam.load(saved)
        try muon?.load(saved)
    }
}
