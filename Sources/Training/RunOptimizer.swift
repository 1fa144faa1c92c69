import Tensors

/// The optimiser of a run: AdamW for all parameters, or Muon for the convolutions inside the
/// network and AdamW for the rest. A critic that learns beside it has an AdamW of its own.
final class RunOptimizer {
    private let adam: AdamW
    private let muon: Muon?
    private let critic: (parameters: [(name: String, value: Tensor)], adam: AdamW, rate: Tensor)?

    /// - Parameter critic: and its rate.
    init(
        _ parameters: [(name: String, value: Tensor)], settings: Recipe.OptimizerSettings,
        critic: (module: Critic, learningRate: Double)? = nil
    ) throws {
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
        self.critic = try critic.map { critic, rate in
            let named = critic.parameters.map { (name: "critic.\($0.name)", value: $0.value) }
            // Without momentum: what it judges moves all the time.
            let options = AdamW.Options(beta1: 0, beta2: 0.99)
            let device = named[0].value.device
            return (named, try AdamW(named, options: options), try .full([], rate, device: device))
        }
        self.parameters = parameters.map(\.value) + criticParameters
    }

    private var parameters: [Tensor] = []

    /// What the critic learns; empty where there is none.
    var criticParameters: [Tensor] { critic?.parameters.map(\.value) ?? [] }

    func clearGradients() { for parameter in parameters { parameter.clearGrad() } }

    /// - Parameters:
    ///   - learningRate: float32, one element, on the parameters' device.
    ///   - skip: there, 1 to leave everything as it is, 0 to go on.
    func step(learningRate: Tensor, skip: Tensor? = nil) throws {
        try adam.step(learningRate: learningRate, skip: skip)
        try muon?.step(learningRate: learningRate, skip: skip)
        if let critic { try critic.adam.step(learningRate: critic.rate, skip: skip) }
    }

    /// All that a run needs besides the network to go on; the critic's weights are in it.
    var state: [(name: String, value: Tensor)] {
        adam.state + (muon?.state ?? []) + (critic.map { $0.parameters + $0.adam.state } ?? [])
    }

    func load(_ saved: (String) throws -> Tensor?) throws {
        try adam.load(saved)
        try muon?.load(saved)
        if let critic {
            try loadState(critic.parameters, from: saved)
            try critic.adam.load(saved)
        }
    }
}
