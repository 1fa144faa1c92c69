import ArgumentParser
import Foundation
import SR3
import Tensors

struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Times one denoiser step.",
        discussion: """
            Prints the times in seconds, one a line, after a warm-up; of a GPU the memory
            that was taken, too. Benchmarks/inference.py runs it beside the same network in
            PyTorch.

            Example:
              restore benchmark --size 512 --repeat 7
            """)

    @Option(help: "A model's name or file.") var model = ModelStore.defaultSR
    @Option(help: "Side of the output picture in pixels.") var size = 512
    @Option(name: .customLong("repeat"), help: "How many steps to time.") var count = 7
    @OptionGroup(title: "Machine") var machine: InferenceOptions

    func validate() throws {
        guard (16...8192).contains(size) else { throw ValidationError("--size must be from 16 to 8192") }
        guard (1...10000).contains(count) else { throw ValidationError("--repeat must be from 1 to 10000") }
    }

    func run() throws {
        let device = try machine.resolved()
        try device.synchronize()
        let before = device.isCUDA ? device.availableMemory : nil
        let model = try SR3Restorer(
            SR3Model.load(ModelStore.path(of: model), device: device), precision: machine.precision
        ).model
        let channels = model.configuration.network.imageChannels
        let noisy = try NoiseField(seed: 1).tensor(step: 0, channels: channels, height: size, width: size).to(
            device)
        let condition = try (noisy * 0.3).clamped(-1, 1)
        let level = try Tensor.full([1], 0.5, device: device)
        try noGrad {
            // The first rounds warm caches and primitives up, and write down what a GPU is asked for.
            let warmUp = ReplayedFunction.plainCalls + 1
            for round in 0..<(count + warmUp) {
                let start = DispatchTime.now().uptimeNanoseconds
                _ = try model.prediction(noisy: noisy, condition: condition, signalLevel: level)
                try device.synchronize()
                if round >= warmUp { print(Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9) }
            }
        }
        func tell(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
        if let before, let after = device.availableMemory {
            tell("GPU memory taken: \(Int((before - after) / 1_048_576)) MiB")
        }
        if let reason = model.network.replayFailure { tell("steps are not replayed: \(reason)") }
    }
}
