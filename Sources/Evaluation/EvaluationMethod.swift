import Diffusion
import Foundation

/// One way to sample, with the numbers of samples whose means are measured.
public struct EvaluationMethod: Sendable {
    /// What the points of one curve share: sampler and its settings.
    public let series: String
    public let sampling: SamplingDefaults
    /// Signal-free part at which sampling starts; 1 is pure noise.
    public let maximumNoise: Double
    /// Rising, each once.
    public let samples: [Int]
    /// Said before the label, for example the knob's place.
    public let prefix: String

    public init(_ sampling: SamplingDefaults, maximumNoise: Double = 1, samples: [Int], prefix: String = "") {
        self.sampling = sampling
        self.maximumNoise = maximumNoise
        self.samples = Set(samples).sorted()
        self.prefix = prefix
        var series = sampling.method.rawValue
        func add(_ text: String, _ value: Double, unless standard: Double) {
            if value != standard { series += " \(text)\(String(format: "%g", value))" }
        }
        switch sampling.method {
        case .ddim: add("η=", sampling.eta, unless: 0)
        case .ddpm: add("σ²=", sampling.variance, unless: 1)
        case .dpm: break
        }
        add("τ=", sampling.temperature, unless: 1)
        add("from noise ", maximumNoise, unless: 1)
        self.series = series
    }

    /// For example `5 ddim steps × 8`.
    public func label(samples: Int) -> String {
        let text = "\(sampling.steps) \(series) \(sampling.steps == 1 ? "step" : "steps")"
        return prefix + (samples > 1 ? "\(text) × \(samples)" : text)
    }

    public func levels() throws -> [Double] {
        try NoiseSchedule(parsing: sampling.schedule)
            .samplingLevels(sampling.steps, maximumNoise: maximumNoise)
    }

    /// All that decides a sample besides model, picture and seed.
    var fingerprint: String {
        let method = sampling
        return
            "\(method.method.rawValue) steps=\(method.steps) eta=\(method.eta) variance=\(method.variance) "
            + "temperature=\(method.temperature) schedule=\(method.schedule) noise=\(maximumNoise)"
    }
}

/// What a row of the table stands for: a method with a number of samples, or an output that needs
/// no sampling.
public struct EvaluationPoint: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable { case input, deconvolution, predictor, sampled }

    public let kind: Kind
    public let label: String
    public let series: String
    public let steps: Int?
    public let samples: Int?

    init(baseline label: String, _ kind: Kind) {
        (self.kind, self.label, series, steps, samples) = (kind, label, label, nil, nil)
    }

    init(_ method: EvaluationMethod, samples: Int) {
        (kind, label) = (.sampled, method.label(samples: samples))
        (series, steps, self.samples) = (method.series, method.sampling.steps, samples)
    }

    /// The label in letters that every file system and page takes, for example `5-ddim-steps-8`.
    public var id: String {
        let ascii = label.replacingOccurrences(of: "η", with: "eta").replacingOccurrences(
            of: "σ²", with: "var"
        )
        .replacingOccurrences(of: "τ", with: "temp")
        return ascii.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".")) }.joined(
            separator: "-")
    }
}
