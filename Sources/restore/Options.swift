import ArgumentParser
import Diffusion
import Foundation
import Parallel
import SR3
import Tensors

/// Which machine part computes.
struct DeviceOptions: ParsableArguments {
    @Option(help: "auto, cpu, cuda or cuda:N; auto uses CUDA where there is one.")
    var device = "auto"

    @Option(help: "CPU threads (default: all cores).")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads must be from 1 to 1024")
        }
    }

    /// Sets the threads and finds the device. The ranks of a machine share its cores and GPUs, where
    /// the user does not say otherwise.
    func resolved(for ranks: Communicator = .single) throws -> Device {
        if let threads {
            try Device.setThreads(threads)
        } else if ranks.isParallel {
            let cores = ProcessInfo.processInfo.activeProcessorCount
            try Device.setThreads(min(Device.threads, max(1, cores / ranks.localSize)))
        }
        do {
            let found = try Device(named: device)
            guard ranks.isParallel, found.isCUDA, !device.contains(":") else { return found }
            return .cuda(ranks.localRank % Device.cudaCount)
        } catch let error as DeviceError {
            throw CommandError.usage("--device: \(error)")
        }
    }
}

extension InferencePrecision: ExpressibleByArgument {}

/// Which machine part restores, and in which number format.
struct InferenceOptions: ParsableArguments {
    @OptionGroup var device: DeviceOptions

    @Option(
        help: ArgumentHelp(
            "float32; int16: rounded, on CPUs; int8: rounded more, on CPUs with VNNI; bfloat16: rounded, on CUDA.",
            valueName: "format"))
    var precision = InferencePrecision.float32

    /// As ``DeviceOptions/resolved(for:)``; the device computes in the number format.
    func resolved(for ranks: Communicator = .single) throws -> Device {
        let device = try device.resolved(for: ranks)
        do { try precision.requireSupport(on: device) } catch {
            throw CommandError.usage("--precision: \(error)")
        }
        return device
    }
}

extension SamplingDefaults.Method: ExpressibleByArgument {}

extension SamplingDefaults {
    /// Steps, sampler and samples in words.
    func method(samples: Int) -> String {
        "\(steps) \(method.rawValue) \(steps == 1 ? "step" : "steps")"
            + (samples > 1 ? " × \(samples) samples" : "")
    }
}

/// How a picture is sampled; what is not given comes from the model.
struct SamplingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("ddpm, ddim or dpm (default: the model's).", valueName: "name"))
    var sampler: SamplingDefaults.Method?

    @Option(help: "η of ddim: 0 is deterministic, 1 as random as ddpm.")
    var eta: Double?

    @Option(help: "σ² of ddpm: 0 is none, 1 the posterior variance β̃, 2 its upper bound β.")
    var variance: Double?

    @Option(help: "Strength of the initial noise, 0 to 1: less gives smoother pictures.")
    var temperature: Double?

    @Option(
        help: ArgumentHelp(
            "linear:LOW:HIGH:STEPS or cosine:STEPS. Without --steps every step of it is taken.",
            valueName: "schedule"))
    var schedule: String?

    func validate() throws {
        if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be from 0 to 1") }
        if let variance, !(0...2).contains(variance) {
            throw ValidationError("--variance must be from 0 to 2")
        }
        if let temperature, !(0...1).contains(temperature) {
            throw ValidationError("--temperature must be from 0 to 1")
        }
        if let schedule {
            do { _ = try NoiseSchedule(parsing: schedule) } catch {
                throw ValidationError("--schedule: \(error)")
            }
        }
    }

    /// The model's settings with what the user changed.
    func merged(into defaults: SamplingDefaults, steps: Int?) throws -> SamplingDefaults {
        var merged = defaults
        merged.method = sampler ?? defaults.method
        merged.eta = eta ?? defaults.eta
        merged.variance = variance ?? defaults.variance
        merged.temperature = temperature ?? defaults.temperature
        if let schedule {
            merged.schedule = schedule
            merged.steps = try NoiseSchedule(parsing: schedule).stepCount
        }
        merged.steps = steps ?? merged.steps
        let longest = try NoiseSchedule(parsing: merged.schedule).stepCount
        guard (1...longest).contains(merged.steps) else {
            throw CommandError.usage("--steps must be from 1 to \(longest), the length of the schedule")
        }
        return merged
    }
}
