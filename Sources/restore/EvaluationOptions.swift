import ArgumentParser
import Deblur
import Diffusion
import Evaluation
import Foundation
import Metrics
import SR3
import Tensors
import Training

extension LPIPS.Network: ExpressibleByArgument {}

/// Which pictures are measured, and by what.
struct EvaluationInputs: ParsableArguments {
    @Option(help: "Folder of pairs; with --sets, where the sets lie, repeatable (default: RESTORE_DATA).")
    var data: [String] = []

    @Option(help: "Names of data sets, separated by commas; each is a manifest of Datasets/.")
    var sets: String?

    @Option(help: "Only the first N pictures of each set.")
    var limit: Int?

    @Option(help: "Seed of the noise.")
    var seed: UInt64 = 0

    @Option(
        help:
            "SqueezeNet trunk for SFD (default: metrics/squeezenet1_1_caffe_trunk.safetensors under --data or RESTORE_DATA)."
    )
    var squeezenet: String?

    @Option(help: "LPIPS as well: alex, vgg or squeeze. Needs weights that you download; it says which.")
    var lpips: LPIPS.Network?

    @Option(
        help: "A trunk of torchvision or heads of LPIPS (repeat for more; default: metrics/ under --data).")
    var weights: [String] = []

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    /// The metrics' weights as far as they are there; LPIPS's must be.
    var metricWeights: EvaluationWeights {
        get throws {
            var measuring = MeasuringOptions()
            (measuring.data, measuring.squeezenet) = (
                DataRoots.resolved(data) + DataRoots.resolved([]), squeezenet
            )
            measuring.csv = nil
            let found = try MetricWeights(
                files: weights, niqeModel: nil, features: .squeezenet, from: measuring)
            var wanted = found.defaultMetrics(hasReference: true, hasLR: false).filter {
                $0 == .sfd || $0 == .niqe
            }
            // A distance of sets, over the features that are there for SFD.
            if wanted.contains(.sfd) { wanted.append(.kid) }
            wanted += PictureMetric.allCases.filter { lpips != nil && $0.lpipsNetwork == lpips }
            let loaded = try found.load(for: wanted)
            return EvaluationWeights(
                distance: loaded.squeezenet, niqe: loaded.niqe, lpips: lpips.flatMap { loaded.lpips[$0] },
                features: loaded.features)
        }
    }

    /// The pairs with their sets' names.
    func pairs(for task: EvaluatedTask) throws -> [(set: String, pair: EvaluationPair)] {
        guard let sets else {
            guard let folder = data.first, data.count == 1 else {
                throw CommandError.usage(
                    "--data must name one folder of pairs, or --sets the sets to measure on")
            }
            let name = (folder as NSString).standardizingPath
            return first(
                try EvaluationPair.pairs(in: folder, for: task), of: (name as NSString).lastPathComponent)
        }
        let roots = DataRoots.resolved(data)
        guard !roots.isEmpty else {
            throw CommandError.usage("--data (or RESTORE_DATA) must say where the sets lie")
        }
        return try sets.split(separator: ",").map(String.init).flatMap { set in
            let manifest = try DatasetManifest(named: set, in: Installation.manifests)
            return first(try EvaluationPair.pairs(of: manifest, for: task, roots: roots), of: set)
        }
    }

    func first(_ pairs: [EvaluationPair], of set: String) -> [(set: String, pair: EvaluationPair)] {
        pairs.prefix(limit ?? pairs.count).map { (set, $0) }
    }
}

/// The ways of sampling that are measured: every combination of what is listed.
struct MethodGrid: ParsableArguments {
    @Option(help: "Numbers of steps (default: the model's).")
    var steps: NumberList<Int>?

    @Option(help: "Numbers of samples to average; drawn once for all.")
    var samples = NumberList<Int>(values: [1])

    @Option(help: ArgumentHelp("ddpm, ddim, dpm (default: the model's).", valueName: "names"))
    var sampler: SamplerList?

    @Option(help: "η of ddim: 0 is deterministic, 1 as random as ddpm.")
    var eta: NumberList<Double>?

    @Option(help: "σ² of ddpm: 0 is none, 1 the posterior variance β̃, 2 its upper bound β.")
    var variance: Double?

    @Option(help: "Strength of the initial noise, 0 to 1.")
    var temperature: Double?

    @Option(help: "linear:LOW:HIGH:STEPS or cosine:STEPS.")
    var schedule: String?

    func validate() throws {
        guard samples.values.allSatisfy({ (1...1000).contains($0) }) else {
            throw ValidationError("--samples must be from 1 to 1000")
        }
        if let steps, !steps.values.allSatisfy({ $0 > 0 }) {
            throw ValidationError("--steps must be at least 1")
        }
        for value in eta?.values ?? [] where !(0...1).contains(value) {
            throw ValidationError("--eta must be from 0 to 1")
        }
    }

    /// - Parameter noises: where sampling starts, for each of the combinations.
    func methods(_ defaults: SamplingDefaults, noises: [Double] = [1]) throws -> [EvaluationMethod] {
        var options = SamplingOptions()
        (options.variance, options.temperature, options.schedule) = (variance, temperature, schedule)
        (options.sampler, options.eta) = (nil, nil)
        try options.validate()
        let merged = try options.merged(into: defaults, steps: nil)
        var methods: [EvaluationMethod] = []
        for sampler in sampler?.values ?? [merged.method] {
            let etas = sampler == .ddim ? eta?.values ?? [merged.eta] : [merged.eta]
            for (eta, noise) in etas.flatMap({ eta in noises.map { (eta, $0) } }) {
                for count in steps?.values ?? [merged.steps] {
                    var sampling = merged
                    (sampling.method, sampling.eta, sampling.steps) = (sampler, eta, count)
                    let longest = try NoiseSchedule(parsing: sampling.schedule).stepCount
                    guard count <= longest else {
                        throw CommandError.usage(
                            "--steps must be from 1 to \(longest), the length of the schedule")
                    }
                    methods.append(
                        EvaluationMethod(sampling, maximumNoise: noise, samples: samples.values))
                }
            }
        }
        return methods
    }
}

/// What only super-resolution has.
struct SREvaluationOptions: ParsableArguments {
    @Option(help: "A model's name or file.")
    var model = ModelStore.defaultSR

    @Flag(
        inversion: .prefixedNo,
        help: "Make the shrunk result agree with the input (default: as the model is meant).")
    var consistency: Bool?

    func work(_ inputs: EvaluationInputs, _ grid: MethodGrid, _ machine: InferenceOptions) throws
        -> EvaluationWork
    {
        let path = try ModelStore.path(of: model)
        let ranks = try Ranks.start()
        let device = try machine.resolved(for: ranks)
        let loaded = try SR3Model.load(path, device: device)
        let evaluator = try SREvaluator(
            loaded, weights: inputs.metricWeights, seed: inputs.seed,
            consistency: consistency ?? loaded.configuration.makesConsistent,
            precision: machine.precision, isCancelled: { Interrupt.isRequested })
        return try EvaluationWork(
            task: .superResolution, modelPath: path, device: device, ranks: ranks, evaluator: evaluator,
            methods: grid.methods(loaded.configuration.sampling),
            pairs: inputs.pairs(for: .superResolution))
    }
}

/// What only deblurring has.
struct DeblurEvaluationOptions: ParsableArguments {
    @Option(help: "A model's name or file.")
    var model = ModelStore.defaultDeblur

    @Option(help: "A folder of blurred pictures, instead of --data.", completion: .directory)
    var blurred: String?

    @Option(help: "Their sharp pictures, of the same names.", completion: .directory)
    var sharp: String?

    @Option(
        help: ArgumentHelp(
            "Search for a displacement of up to this many pixels between each output and its original.",
            valueName: "pixels"))
    var align = 0

    @OptionGroup var prediction: PredictionOptions

    @Option(
        help:
            "A folder with the kernel of each blurred picture, PNG files of the same names, instead of looking for the blur.",
        completion: .directory)
    var kernels: String?

    @Option(help: "Places of the knob, 0 to 1, instead of --steps and --samples.")
    var perception: NumberList<Double>?

    @Option(help: "Noise levels at which sampling starts, above 0 to 1.")
    var maxNoise: NumberList<Double>?

    func validate() throws {
        for value in perception?.values ?? [] where !(0...1).contains(value) {
            throw ValidationError("--perception must be from 0 to 1")
        }
        for value in maxNoise?.values ?? [] where !(value > 0 && value <= 1) {
            throw ValidationError("--max-noise must be above 0 and at most 1")
        }
        guard (0...64).contains(align) else { throw ValidationError("--align must be from 0 to 64") }
        guard (blurred == nil) == (sharp == nil) else {
            throw ValidationError("--blurred and --sharp go together")
        }
        if kernels != nil, prediction.blurEstimates != nil {
            throw ValidationError("--kernels says what the blur is: leave --blur-estimates out")
        }
    }

    func work(_ inputs: EvaluationInputs, _ grid: MethodGrid, _ machine: InferenceOptions) throws
        -> EvaluationWork
    {
        if blurred != nil, inputs.sets != nil {
            throw CommandError.usage("--blurred and --sets exclude each other")
        }
        let path = try ModelStore.path(of: model)
        let ranks = try Ranks.start()
        let device = try machine.resolved(for: ranks)
        let loaded = try DeblurModel.load(path, device: device)
        let pairs = try pairs(inputs)
        let evaluator = try DeblurEvaluator(
            loaded, weights: inputs.metricWeights, seed: inputs.seed, alignment: align,
            prediction: prediction.settings(
                for: loaded, named: model, flags: kernels == nil ? [] : ["--kernels"]),
            kernels: kernels.map { try KernelFolder($0, for: pairs.map(\.pair)) },
            precision: machine.precision, isCancelled: { Interrupt.isRequested })
        return try EvaluationWork(
            task: .deblurring, modelPath: path, device: device, ranks: ranks, evaluator: evaluator,
            methods: methods(grid, loaded.configuration), pairs: pairs)
    }

    private func pairs(_ inputs: EvaluationInputs) throws -> [(set: String, pair: EvaluationPair)] {
        guard let blurred, let sharp else { return try inputs.pairs(for: .deblurring) }
        let name = ((blurred as NSString).standardizingPath as NSString).lastPathComponent
        return inputs.first(try EvaluationPair.pairs(inputs: blurred, originals: sharp), of: name)
    }

    private func methods(_ grid: MethodGrid, _ model: DeblurConfiguration) throws -> [EvaluationMethod] {
        guard let places = perception?.values else {
            return try grid.methods(model.sampling, noises: maxNoise?.values ?? [1])
        }
        return try places.flatMap { place in
            let knob = model.perception.setting(at: place)
            var defaults = model.sampling
            defaults.steps = knob.steps
            return try grid.methods(defaults, noises: [knob.maximumNoise]).map {
                EvaluationMethod(
                    $0.sampling, maximumNoise: $0.maximumNoise, samples: [knob.samples],
                    prefix: String(format: "perception %g: ", place))
            }
        }
    }
}

/// Numbers separated by commas.
struct NumberList<Number: LosslessStringConvertible & Sendable>: ExpressibleByArgument, Sendable {
    let values: [Number]

    init(values: [Number]) { self.values = values }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        values = parts.compactMap { Number(String($0)) }
        if values.count != parts.count { return nil }
    }

    var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}

/// Samplers separated by commas.
struct SamplerList: ExpressibleByArgument {
    let values: [SamplingDefaults.Method]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        values = parts.compactMap { SamplingDefaults.Method(rawValue: String($0)) }
        if values.count != parts.count { return nil }
    }
}
