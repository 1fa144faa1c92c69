import Foundation
import ImageFiles
import MPILauncher
import Tensors
import Testing

/// Training by several ranks beside training by one.
@Suite(.serialized, .enabled(if: MPILauncher.isAvailable, "\(MPILauncher.missing)"))
struct SharedTrainingTests {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("ParallelTests-\(UUID().uuidString)")
        for index in 0..<5 {
            let side = 96
            var random = CounterStream(seed: 5, stream: UInt64(index))
            let angle = random.uniform() * 3
            let samples = (0..<side * side * 3).map { place -> UInt16 in
                let (x, y, channel) = (place / 3 % side, place / 3 / side, place % 3)
                let wave = sin((Double(x) * cos(angle) + Double(y) * sin(angle)) * 0.6 + Double(channel))
                return UInt16(128 + (wave > 0 ? 90 : -90) * random.uniform())
            }
            let photos = folder.appendingPathComponent("photos")
            try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
            try Image(width: side, height: side, channels: 3, bitDepth: 8, samples: samples)
                .write(to: photos.appendingPathComponent("\(index).png").path)
        }
    }

    /// A recipe with lines for its task, and the batch of one rank.
    private func write(_ name: String, batch: Int, task: String) throws -> String {
        let text = """
            name: tiny
            description: a test
            seed: 3
            data: {sets: [], patchSize: 32, validationCount: 1}
            \(task)
            objective: {loss: l2}
            optimizer:
              learningRate: 1.0e-3
              warmupSteps: 2
              decayFraction: 0.5
              finalFraction: 0.1
              beta1: 0.9
              beta2: 0.99
              weightDecay: 0.01
              gradientClip: 1
              batchSize: \(batch)
              emaDecay: 0.9
            budget: {steps: 10, checkpointMinutes: 60, validationMinutes: 60}

            """
        let path = folder.appendingPathComponent("\(name)-\(batch).yaml").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private static let network = "{baseWidth: 16, multipliers: [1, 2], blocks: 1, patchSize: 2}"
    private static let common = """
        parameterization: velocity, schedule: "linear:1e-6:1e-2:2000",
          sampling: {method: ddim, steps: 2, eta: 0, variance: 1, temperature: 1, schedule: "cosine:100"}
        """
    static let tasks = [
        "sr3": """
        task: sr3
        model: {scale: 4, target: {residual: {scale: 0.2}}, network: \(network),
          \(common)}
        """,
        "sr3-real": """
        task: sr3
        degradation: {plainShare: 0.2, rounds: [
          {blurShare: 0.5, blurSigma: [0.3, 2], resize: [0.4, 1], noiseShare: 0.5, noise: [0.01, 0.04],
            grayNoiseShare: 0.4, jpegShare: 0.5, jpegQuality: [60, 95]}]}
        model: {scale: 4, target: {residual: {scale: 0.2}}, network: \(network),
          \(common)}
        """,
        // Noise, JPEG and two sizes of kernels, so that a sample could depend on its neighbours.
        "deblur": """
        task: deblur
        degradation: {shares: {linear: 0.5, gaussian: 0.3, none: 0.2}, extent: [2, 6],
          defocusRadius: [1, 2], gaussianSigma: [0.5, 1], readNoise: [0, 0.012], shotNoise: [0, 0.0003],
          noiselessShare: 0.3, jpegShare: 0.5, jpegQuality: [70, 98]}
        model: {predictor: \(network), denoiser: \(network), residualScale: 0.1,
          conditionsOnPrediction: true, perception: [{perception: 0, steps: 1, samples: 1, maximumNoise: 1},
            {perception: 1, steps: 2, samples: 1, maximumNoise: 1}],
          \(common)}
        """,
    ]

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func losses(_ outcome: ParallelProgram.Outcome) -> [Double] {
        outcome.lines.filter { $0.hasPrefix("loss ") }.compactMap { Double($0.dropFirst(5)) }
    }

    private func weights(_ output: String) throws -> [Float] {
        let file = try SafetensorsFile(path: path("\(output)/checkpoint.safetensors"))
        return try file.names.sorted().filter { $0.hasPrefix("model.") }.flatMap { name in
            try file.tensor(name)?.floats() ?? []
        }
    }

    /// Two ranks with a batch of four go the way of one rank with a batch of eight.
    @Test(arguments: MPILauncher.available) func twoRanksAreOneWithTwiceTheBatch(_ launcher: MPILauncher)
        throws
    {
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, task) in Self.tasks {
            let large = try write(name, batch: 8, task: task)
            let small = try write(name, batch: 4, task: task)
            let one = try ParallelProgram.run(
                "train", large, path("photos"), path("one"), by: launcher, ranks: 1)
            let two = try ParallelProgram.run(
                "train", small, path("photos"), path("two"), by: launcher, ranks: 2)
            try #require(one.status == 0 && two.status == 0, "\(one.errors)\(two.errors)")
            #expect(one.lines.last == "finished true" && two.lines.last == "finished true")
            try #require(losses(one).count == 10 && losses(two).count == 10)
            for (a, b) in zip(losses(one), losses(two)) { #expect(abs(a / b - 1) < 1e-5, "\(a) \(b)") }
            let (a, b) = (try weights("one"), try weights("two"))
            let apart = zip(a, b).map { abs($0 - $1) }.max() ?? 1
            let size = a.map(abs).max() ?? 0
            print("\(name), \(launcher.rawValue): weights differ by \(apart) of \(size) after 10 steps")
            #expect(a.count == b.count && apart < 1e-3 * size)

            // Stopped on the wish of one rank, and resumed, it is the same run.
            let stopped = try ParallelProgram.run(
                "train", small, path("photos"), path("three"), "4", by: launcher, ranks: 2)
            #expect(stopped.status == 0 && stopped.lines.last == "finished false")
            #expect(losses(stopped) == Array(losses(two).prefix(5)))
            let resumed = try ParallelProgram.run(
                "train", small, path("photos"), path("three"), by: launcher, ranks: 2)
            #expect(resumed.lines.last == "finished true" && losses(resumed).count == 5)
            #expect(try weights("three") == b)
            for output in ["one", "two", "three"] { try FileManager.default.removeItem(atPath: path(output)) }
        }
    }
}
