import Diffusion
import Tensors

extension SR3Model {
    /// The training loss of a batch, a differentiable scalar.
    ///
    /// - Parameters:
    ///   - hr: N×C×H×W in [-1, 1].
    ///   - condition: the LR pictures upsampled to N×C×H×W.
    ///   - noise: N(0, 1), N×C×H×W.
    ///   - levels: of the objective; one per sample, each uniform between two neighbouring ᾱ
    ///     (``NoiseSchedule/trainingLevel(_:_:)``).
    ///   - further: a loss on the estimated HR pictures, N×C×H×W in [-1, 1] up to overshoot, that is added.
    public func loss(
        _ objective: Objective, hr: Tensor, condition: Tensor, noise: Tensor, levels: Objective.Levels,
        further: ((_ picture: Tensor) throws -> Tensor)? = nil
    ) throws -> Tensor {
        try objective.value(
            clean: noGrad { try target(hr: hr, condition: condition) }, noise: noise, levels: levels,
            denoiser: { noisy, level in
                try prediction(noisy: noisy, condition: condition, signalLevel: level)
            },
            further: further.map { further in
                { try further(self.picture(target: $0, condition: condition)) }
            })
    }
}
