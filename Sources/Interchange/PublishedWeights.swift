import Diffusion
import Foundation
import SR3
import Tensors

/// A published super-resolution network, read into ours.
///
/// Two layouts are known: the open SR3 implementation's U-Net (`.pth`), and diffusers' `UNet2DModel`
/// (safetensors and config.json).
public struct PublishedWeights {
    /// What the files do not tell; nil for what the layout usually has.
    public struct Options: Sendable {
        /// Diffusers' settings; nil for the config.json beside the weights.
        public var configuration: String?
        /// Which network of a file, by what stands before its names.
        public var prefix: String?
        /// Groups of the open SR3 network's group normalisation (32).
        public var groups: Int?
        /// Whether the condition comes before the noisy picture (in the open SR3 network it does).
        public var isConditionFirst: Bool?
        /// Enlargement it was trained for (8 for the open SR3 network, else 4).
        public var scale: Int?
        /// What it predicts (the noise).
        public var parameterization: Parameterization?
        /// The schedule of its training (the open SR3 file's own, or linear:1e-6:1e-2:2000; diffusers:
        /// linear:1e-4:0.02:1000).
        public var schedule: String?
        /// How it is sampled when nothing else is said; its schedule becomes that of the training.
        public var sampling = SamplingDefaults(steps: 50)

        public init() {}
    }

    /// Where the network comes from, in words.
    public let origin: String
    public let configuration: SR3Configuration
    public let network: UNet

    /// - Throws: ``TensorFileError`` naming the file and what is missing, of another shape or unknown;
    ///   ``ScheduleError``.
    public init(path: String, options: Options) throws {
        let file = try openTensorFile(path)
        if let state = try PublishedState(file, marker: OpenSR3Layout.marker, prefix: options.prefix) {
            let schedule =
                try options.schedule ?? OpenSR3Layout.schedule(state) ?? "linear:1e-6:1e-2:2000"
            let layout = try OpenSR3Layout(
                state, groups: options.groups ?? 32, isConditionFirst: options.isConditionFirst ?? true)
            try self.init(
                layout, state, origin: "the open SR3 U-Net", scale: options.scale ?? 8, schedule: schedule,
                options)
        } else if let state = try PublishedState(file, marker: DiffusersLayout.marker, prefix: options.prefix)
        {
            guard options.groups == nil else {
                throw TensorFileError(
                    unsupported: path, reason: "it is diffusers' UNet2DModel, whose groups config.json says")
            }
            let settings = try DiffusersConfiguration(
                contentsOf: options.configuration ?? Self.configuration(beside: path))
            let schedule = options.schedule ?? "linear:1e-4:0.02:1000"
            let layout = try DiffusersLayout(
                state, settings, schedule: schedule, isConditionFirst: options.isConditionFirst ?? false)
            try self.init(
                layout, state, origin: "diffusers' UNet2DModel", scale: options.scale ?? 4,
                schedule: schedule, options)
        } else {
            throw TensorFileError(
                unsupported: path,
                reason: "it is neither the open SR3 U-Net (no '\(OpenSR3Layout.marker)') nor diffusers' "
                    + "UNet2DModel (no '\(DiffusersLayout.marker)')")
        }
    }

    private static func configuration(beside path: String) throws -> String {
        let folder = path.folderOfPath
        let found = folder.isEmpty ? "config.json" : "\(folder)/config.json"
        guard FileManager.default.fileExists(atPath: found) else {
            throw TensorFileError(
                unsupported: path,
                reason:
                    "it is diffusers' UNet2DModel, and its config.json is not beside it: --config names it")
        }
        return found
    }

    private init(
        _ layout: some PublishedLayout, _ state: PublishedState, origin: String, scale: Int, schedule: String,
        _ options: Options
    ) throws {
        var sampling = options.sampling
        sampling.schedule = schedule
        let configuration = SR3Configuration(
            scale: scale, target: .image, parameterization: options.parameterization ?? .noise,
            schedule: schedule, network: layout.configuration, sampling: sampling)
        do {
            try configuration.validate()
            network = try layout.network(state)
        } catch let error as NetworkError {
            throw TensorFileError(unsupported: state.path, reason: error.description)
        }
        self.configuration = configuration
        self.origin = origin
    }

    /// Writes a model file of ours.
    ///
    /// - Parameter metadata: the model's card.
    public func save(metadata: [String: String], to path: String, dtype: DType = .float32) throws {
        try SR3Model.save(
            network.parameters, configuration: configuration, metadata: metadata, to: path, dtype: dtype)
    }
}
