import Foundation
import Tensors

/// How fast a recipe trains on this machine, part by part; nothing is written.
public struct TrainingBenchmark: Sendable {
    /// Medians over the timed steps, in seconds.
    public var seconds: [(phase: String, median: Double)]
    public var secondsPerStep: Double
    /// Where steps are written down and replayed: what one takes that is asked of the device call by call.
    public var secondsPerPlainStep: Double?
    /// Of all ranks together.
    public var batchSize: Int
    /// Floating-point operations of convolutions and linear layers in a step of this rank: forwards, and
    /// twice as many backwards.
    public var operationsPerStep: Double
    /// Operations a second of a large matrix product in the step's precision, timed beside it.
    public var matrixProductRate: Double
    /// Processor seconds of this process for each second, over the timed steps.
    public var processors: Double

    public var samplesPerSecond: Double { Double(batchSize) / secondsPerStep }
    /// The part of a step that is neither forward nor backward, by the parts' own seconds.
    public var overhead: Double {
        func sum(_ parts: [(phase: String, median: Double)]) -> Double { parts.reduce(0) { $0 + $1.median } }
        return sum(seconds.filter { ["data", "optimizer"].contains($0.phase) }) / max(sum(seconds), 1e-9)
    }
    /// Model FLOP utilisation: what the network computes of what a matrix product does in that time.
    public var utilization: Double { operationsPerStep / secondsPerStep / matrixProductRate }
}

extension Trainer {
    /// Times steps of the recipe with its data.
    ///
    /// - Parameters:
    ///   - steps: how many are timed, after three that warm up.
    public func benchmark(steps: Int) throws -> TrainingBenchmark {
        let files = try split()
        if options.device.isCUDA { Device.allowTF32(true) }
        let (network, _, makeOptimizer, makeTask) = try built()
        let optimizer = try makeOptimizer()
        let ema = try EMA(network.parameters, decay: recipe.optimizer.emaDecay)
        let task = try makeTask(files.training, [], { false })
        network.setTraining(true)
        let step = try TrainingStep(
            task, network: network, optimizer: optimizer, ema: ema, recipe: recipe, device: options.device,
            ranks: ranks, isAhead: isAhead, isRecorded: isRecorded)
        var sums: [TrainingStep.Phase: Double] = [:]
        var mark = 0.0
        // Waiting at the end of each part makes the parts add up; without it they overlap, which is
        // what whole steps are timed with.
        step.observer = { [device = options.device] phase in
            try device.synchronize()
            let now = Self.now
            sums[phase, default: 0] += now - mark
            mark = now
        }
        var phases: [TrainingStep.Phase: [Double]] = [:]
        func timed(_ index: Int) throws {
            sums = [:]
            mark = Self.now
            _ = try step(index, learningRate: 0)
            for (phase, value) in sums { phases[phase, default: []].append(value) }
        }
        let operations = try FLOPCounter.count { try timed(0) }
        for index in 1..<3 { try timed(index) }
        phases = [:]
        for index in 3..<(3 + steps) { try timed(index) }
        step.observer = nil
        var next = 3 + steps
        func whole(_ count: Int) throws -> [Double] {
            try options.device.synchronize()
            return try (0..<count).map { _ in
                let start = Self.now
                _ = try step(next, learningRate: 0)
                try options.device.synchronize()
                next += 1
                return Self.now - start
            }
        }
        var plain: Double?
        if step.isRecorded {
            step.isReplaying = false
            plain = Self.median(try whole(steps))
            step.isReplaying = true
            _ = try whole(TrainingStep.plainStepCount + 2)
            if let reason = step.recordingFailure { logger.warning("steps cannot be replayed: \(reason)") }
        }
        let processorStart = Self.processorTime
        let wall = try whole(steps)
        let processors = (Self.processorTime - processorStart) / wall.reduce(0, +)
        return TrainingBenchmark(
            seconds: TrainingStep.Phase.allCases.map { ($0.rawValue, Self.median(phases[$0] ?? [])) },
            secondsPerStep: Self.median(wall), secondsPerPlainStep: step.isRecorded ? plain : nil,
            batchSize: recipe.optimizer.batchSize * ranks.size,
            operationsPerStep: 3 * operations,
            matrixProductRate: try Self.matrixProductRate(
                recipe.optimizer.precision.dtype(on: options.device) ?? .float32, on: options.device),
            processors: processors)
    }

    private static func matrixProductRate(_ dtype: DType, on device: Device) throws -> Double {
        let side = device.isCUDA ? 8192 : 2048
        return try noGrad {
            let matrix = try Tensor.full([side, side], 0.5, device: device).to(dtype)
            let times = try (0..<7).map { _ in
                let start = now
                _ = try matrix.matmul(matrix)
                try device.synchronize()
                return now - start
            }
            return 2 * pow(Double(side), 3) / median(Array(times.dropFirst(2)))
        }
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    private static var processorTime: Double {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
