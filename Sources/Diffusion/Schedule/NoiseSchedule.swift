import Foundation

/// The variances β₁…β_T of the forward process and what follows from them, in double.
///
/// ᾱ_t = ∏_{i≤t} (1 − β_i), with ᾱ_0 = 1. A signal level γ is a value of ᾱ.
/// Source: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models", 2020, eq. 2 and 4.
public struct NoiseSchedule: Sendable, Equatable {
    /// β_1…β_T; `betas[0]` is β_1.
    public let betas: [Double]
    /// ᾱ_0…ᾱ_T; `signalLevels[0]` is 1.
    public let signalLevels: [Double]

    /// Number of steps T.
    public var stepCount: Int { betas.count }

    /// The largest terminal ᾱ_T a schedule may have. Sampling starts from pure noise, which
    /// the network must have met in training: at √ᾱ_T = 0.1 a tenth of the picture still shows.
    public static let largestTerminalLevel = 0.01

    /// A schedule from explicit variances.
    ///
    /// - Throws: ``ScheduleError`` when it is empty, a β is outside (0, 1), or ᾱ_T is not near 0.
    public init(betas: [Double]) throws {
        guard !betas.isEmpty else { throw ScheduleError("a schedule needs at least one step") }
        for (index, beta) in betas.enumerated() where !(beta > 0 && beta < 1) {
            throw ScheduleError("β_\(index + 1) = \(beta) is not between 0 and 1")
        }
        var levels = [1.0]
        levels.reserveCapacity(betas.count + 1)
        for beta in betas { levels.append((levels.last ?? 1) * (1 - beta)) }
        let terminal = levels.last ?? 1
        guard terminal <= Self.largestTerminalLevel else {
            throw ScheduleError(
                String(
                    format:
                        "the schedule ends at ᾱ_T = %.3g, so that its last step still shows %.0f%% of the "
                        + "picture, while sampling starts from pure noise: use larger variances or more steps "
                        + "(ᾱ_T must be at most %.2g)", terminal, terminal.squareRoot() * 100,
                    Self.largestTerminalLevel))
        }
        self.betas = betas
        signalLevels = levels
    }

    /// β rising linearly from `low` to `high` over `steps` steps.
    public static func linear(_ low: Double, _ high: Double, _ steps: Int) throws -> NoiseSchedule {
        guard (1...maximumSteps).contains(steps) else {
            throw ScheduleError("a schedule has 1 to \(maximumSteps) steps, not \(steps)")
        }
        guard low.isFinite, high.isFinite else { throw ScheduleError("the variances must be finite numbers") }
        return try NoiseSchedule(
            betas: (0..<steps).map { low + (high - low) * (steps == 1 ? 1 : Double($0) / Double(steps - 1)) })
    }

    /// ᾱ_t = f(t)/f(0), f(t) = cos²((t/T + s)/(1 + s)·π/2), β at most 0.999.
    ///
    /// Source: Nichol and Dhariwal, "Improved denoising diffusion probabilistic models", 2021, eq. 17.
    public static func cosine(_ steps: Int, offset: Double = 0.008) throws -> NoiseSchedule {
        guard (1...maximumSteps).contains(steps) else {
            throw ScheduleError("a schedule has 1 to \(maximumSteps) steps, not \(steps)")
        }
        func f(_ t: Double) -> Double { pow(cos((t / Double(steps) + offset) / (1 + offset) * .pi / 2), 2) }
        return try NoiseSchedule(
            betas: (1...steps).map { t in
                // β of the first steps of a long schedule can round to 0.
                min(0.999, max(1e-12, 1 - f(Double(t)) / f(Double(t - 1))))
            })
    }

    static let maximumSteps = 100_000

    /// Reads `linear:LOW:HIGH:STEPS` or `cosine:STEPS`.
    public init(parsing text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("linear", 4):
            guard let low = Double(parts[1]), let high = Double(parts[2]), let steps = Int(parts[3]) else {
                break
            }
            self = try .linear(low, high, steps)
            return
        case ("cosine", 2):
            guard let steps = Int(parts[1]) else { break }
            self = try .cosine(steps)
            return
        default: break
        }
        throw ScheduleError("'\(text)' is not a schedule: write linear:LOW:HIGH:STEPS or cosine:STEPS")
    }

    /// `count` + 1 signal levels for sampling, from ᾱ_T up to 1: the sub-sequence of steps
    /// τ_i = round(T'·i/count), the last level being ᾱ_0 = 1.
    ///
    /// - Parameter maximumNoise: the largest √(1 − γ) a level may have, above 0; it cuts the
    ///   schedule from T to T' steps, at least `count`.
    /// - Throws: ``ScheduleError`` when `count` is not between 1 and T.
    public func samplingLevels(_ count: Int, maximumNoise: Double = 1) throws -> [Double] {
        guard (1...stepCount).contains(count) else {
            throw ScheduleError("this schedule can be sampled in 1 to \(stepCount) steps, not \(count)")
        }
        let allowed = signalLevels.lastIndex { (1 - $0).squareRoot() <= maximumNoise } ?? stepCount
        let length = max(count, allowed)
        return (0...count).reversed().map { index in
            signalLevels[Int((Double(length) * Double(index) / Double(count)).rounded())]
        }
    }

    /// The step t from 1 to T whose ᾱ_t is nearest to γ, in log-SNR ln(ᾱ/(1−ᾱ)).
    public func nearestStep(to gamma: Double) -> Int {
        func logSNR(_ level: Double) -> Double { log(max(level, 1e-300) / max(1 - level, 1e-16)) }
        // Levels fall with t: the first below γ, and the one before it, are the candidates.
        var (low, high) = (1, stepCount)
        while low < high {
            let middle = (low + high) / 2
            if signalLevels[middle] < gamma { high = middle } else { low = middle + 1 }
        }
        guard low > 1 else { return low }
        let wanted = logSNR(gamma)
        let distances = [low - 1, low].map { abs(logSNR(signalLevels[$0]) - wanted) }
        return distances[0] <= distances[1] ? low - 1 : low
    }

    /// A training level: t uniform over 1…T, then γ uniform over [ᾱ_t, ᾱ_{t−1}].
    ///
    /// Source: Saharia et al., "Image super-resolution via iterative refinement" (SR3), 2021, sec. 2.4.
    /// - Parameters: `u`, `w`: two independent uniform numbers in [0, 1).
    public func trainingLevel(_ u: Double, _ w: Double) -> Double {
        let t = min(stepCount, 1 + Int(u * Double(stepCount)))
        return signalLevels[t] + (signalLevels[t - 1] - signalLevels[t]) * w
    }
}

/// Why a schedule cannot be used.
public struct ScheduleError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String
    init(_ description: String) { self.description = description }
}
