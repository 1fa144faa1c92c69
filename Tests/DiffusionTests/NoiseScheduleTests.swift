import Foundation
import Tensors
import Testing

@testable import Diffusion

struct NoiseScheduleTests {
    static let paper = "linear:1e-6:1e-2:2000"

    @Test func linearSchedulesOfKnownTerminalLevel() throws {
        // ln ᾱ_T = Σ ln(1 − β) ≈ −Σβ − Σβ²/2, with Σβ = T·(low + high)/2.
        let paper = try NoiseSchedule.linear(1e-6, 1e-2, 2000)
        #expect(paper.stepCount == 2000)
        #expect(paper.signalLevels.count == 2001)
        #expect(paper.signalLevels[0] == 1)
        #expect(paper.betas[0] == 1e-6 && paper.betas[1999] == 1e-2)
        #expect(abs(paper.signalLevels[2000] - 4.4e-5) < 0.05e-5)
        #expect(zip(paper.signalLevels, paper.signalLevels.dropFirst()).allSatisfy { $0 > $1 })
        let product = paper.betas.prefix(700).reduce(1) { $0 * (1 - $1) }
        #expect(abs(paper.signalLevels[700] - product) < 1e-15)
        #expect(abs(try #require(NoiseSchedule.linear(1e-4, 0.1, 100).signalLevels.last) - 5.6188e-3) < 5e-7)
        #expect(try #require(NoiseSchedule.linear(1e-4, 2e-2, 2000).signalLevels.last) < 1e-8)
    }

    @Test func aScheduleThatNeverReachesNoiseIsRefused() throws {
        let error = try #require(throws: ScheduleError.self) { try NoiseSchedule.linear(1e-6, 1e-2, 100) }
        #expect(error.description.contains("0.605") && error.description.contains("78%"))
        #expect(error.description.contains("sampling starts from pure noise"))
        #expect(error.description.contains("use larger variances or more steps"))
        #expect(throws: ScheduleError.self) { try NoiseSchedule(parsing: "linear:1e-4:5e-3:1000") }
    }

    @Test func cosineFollowsItsFormula() throws {
        let schedule = try NoiseSchedule.cosine(1000)
        func f(_ t: Double) -> Double { pow(cos((t / 1000 + 0.008) / 1.008 * .pi / 2), 2) }
        for t in [1, 10, 250, 500, 900, 990] {
            #expect(abs(schedule.signalLevels[t] / (f(Double(t)) / f(0)) - 1) < 1e-9, "t = \(t)")
        }
        #expect(schedule.betas.last == 0.999)
        #expect(schedule.betas.allSatisfy { $0 > 0 && $0 <= 0.999 })
        #expect(try NoiseSchedule(parsing: "cosine:1000") == schedule)
        _ = try NoiseSchedule.cosine(100_000)
    }

    @Test func wrongVariancesAreRefusedByNumber() throws {
        #expect(throws: ScheduleError("a schedule needs at least one step")) { try NoiseSchedule(betas: []) }
        for bad in [0, -0.1, 1, 1.5, .nan, .infinity] {
            let error = try #require(throws: ScheduleError.self) {
                try NoiseSchedule(betas: [0.5, bad, 0.999])
            }
            #expect(error.description.hasPrefix("β_2 = "))
        }
        #expect(try NoiseSchedule(betas: [0.995]).stepCount == 1)
    }

    @Test(arguments: [
        "", "linear", "linear:1e-6:1e-2", "linear:1e-6:1e-2:2000:1", "linear:a:1e-2:2000",
        "linear:1e-6:1e-2:20.5",
        "cosine", "cosine:", "cosine:x", "cosine:100:1", "quadratic:1:2:3", ":::", "Linear:1e-6:1e-2:2000",
        " cosine:1000",
    ])
    func textThatIsNoSchedule(text: String) throws {
        let error = try #require(throws: ScheduleError.self) { try NoiseSchedule(parsing: text) }
        #expect(
            error.description == "'\(text)' is not a schedule: write linear:LOW:HIGH:STEPS or cosine:STEPS")
    }

    @Test(arguments: [
        "linear:1e-6:1e-2:0", "linear:1e-6:1e-2:-5", "linear:1e-6:1e-2:100001", "linear:nan:1e-2:2000",
        "linear:1e-6:inf:2000", "linear:0:1e-2:2000", "linear:1e-6:1:2000", "cosine:0", "cosine:100001",
        "cosine:9223372036854775807",
    ])
    func numbersOutOfRange(text: String) throws {
        let error = try #require(throws: ScheduleError.self) { try NoiseSchedule(parsing: text) }
        #expect(!error.description.contains("is not a schedule"))
    }

    @Test func parsingReadsWhatIsWritten() throws {
        #expect(try NoiseSchedule(parsing: Self.paper) == .linear(1e-6, 1e-2, 2000))
    }

    @Test(arguments: [paper, "cosine:1000", "linear:1e-4:0.1:100"])
    func samplingLevelsRiseToOne(text: String) throws {
        let schedule = try NoiseSchedule(parsing: text)
        for count in [1, 2, 3, 4, 7, 20, 50, 99, 100, schedule.stepCount] {
            let levels = try schedule.samplingLevels(count)
            #expect(levels.count == count + 1)
            #expect(levels.first == schedule.signalLevels.last)
            #expect(levels.last == 1)
            #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 < $1 }, "\(count) steps")
        }
        #expect(try schedule.samplingLevels(schedule.stepCount) == schedule.signalLevels.reversed())
        for count in [0, -1, schedule.stepCount + 1] {
            let error = try #require(throws: ScheduleError.self) { try schedule.samplingLevels(count) }
            #expect(error.description.contains("1 to \(schedule.stepCount) steps, not \(count)"))
        }
    }

    @Test func trainingLevelsLieBetweenTheirNeighboursAndFillTheInterval() throws {
        // Nine unequal steps: each holds a ninth of the draws, uniform within it.
        let schedule = try NoiseSchedule(betas: [0.05, 0.1, 0.15, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9])
        let levels = schedule.signalLevels
        var random = CounterStream(seed: 12)
        let count = 90_000
        var positions: [[Double]] = Array(repeating: [], count: 9)
        for _ in 0..<count {
            let u = random.uniform()
            let gamma = schedule.trainingLevel(u, random.uniform())
            let t = Int(u * 9) + 1
            #expect(gamma >= levels[t] && gamma <= levels[t - 1])
            positions[t - 1].append((gamma - levels[t]) / (levels[t - 1] - levels[t]))
        }
        for (index, part) in positions.enumerated() {
            let share = Double(count) / 9
            #expect(abs(Double(part.count) - share) < 5 * (share * 8 / 9).squareRoot(), "step \(index + 1)")
            // Kolmogorov–Smirnov against the uniform distribution; 1.95/√n is exceeded once in a thousand.
            let n = Double(part.count)
            let distance =
                part.sorted().enumerated().map {
                    max(abs(Double($0) / n - $1), abs(Double($0 + 1) / n - $1))
                }.max() ?? 1
            #expect(distance < 1.95 / n.squareRoot(), "step \(index + 1)")
        }
        // The ends of the unit square.
        #expect(schedule.trainingLevel(0, 0) == levels[1])
        #expect(schedule.trainingLevel(1.0.nextDown, 0) == levels[9])
        #expect(schedule.trainingLevel(1, 0.5) < levels[8])
        #expect(schedule.trainingLevel(0, 1.0.nextDown) <= 1)
    }

    /// Each of a schedule's own levels is nearest to its own step, also as float32.
    @Test(arguments: ["linear:1e-4:0.02:1000", "cosine:1000", "linear:0.3:0.9:9"])
    func theNearestStepOfALevel(text: String) throws {
        let schedule = try NoiseSchedule(parsing: text)
        let levels = schedule.signalLevels
        for step in 1...schedule.stepCount {
            #expect(schedule.nearestStep(to: levels[step]) == step)
            #expect(schedule.nearestStep(to: Double(Float(levels[step]))) == step)
        }
        #expect(schedule.nearestStep(to: 1) == 1)
        #expect(schedule.nearestStep(to: 0) == schedule.stepCount)
        // Between two steps the log-SNR decides.
        func logSNR(_ level: Double) -> Double { log(level / (1 - level)) }
        for step in 1..<min(schedule.stepCount, 50) {
            for (share, nearest) in [(0.4, step), (0.6, step + 1)] {
                let between = (1 - share) * logSNR(levels[step]) + share * logSNR(levels[step + 1])
                #expect(schedule.nearestStep(to: 1 / (1 + exp(-between))) == nearest)
            }
        }
    }
}
