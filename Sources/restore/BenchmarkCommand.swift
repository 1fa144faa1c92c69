import ArgumentParser
import Deblur
import Diffusion
import Foundation
import SR3
import Tensors

struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Times one look of a network.",
        discussion: """
            Prints the times in seconds, one a line, after a warm-up; of a GPU the memory
            that was taken, too. A look of the denoiser is what a step costs.
            Benchmarks/inference.py and deblur.py run it beside the same network in
            PyTorch.

            Examples:
              restore benchmark --size 512 --repeat 7
              restore benchmark --model deblur --network predictor
            """)

    @Option(help: "A model's name or file.") var model = ModelStore.defaultSR
    @Option(help: "denoiser, or a deblurring model's predictor.") var network = Part.denoiser
    @Option(help: "Side of the output picture in pixels.") var size = 512
    @Option(name: .customLong("repeat"), help: "How many looks to time.") var count = 7
    @OptionGroup(title: "Machine") var machine: InferenceOptions

    enum Part: String, CaseIterable, ExpressibleByArgument { case denoiser, predictor }

    func validate() throws {
        guard (16...8192).contains(size) else { throw ValidationError("--size must be from 16 to 8192") }
        guard (1...10000).contains(count) else { throw ValidationError("--repeat must be from 1 to 10000") }
    }

    func run() throws {
        let device = try machine.resolved()
        try device.synchronize()
        let before = device.isCUDA ? device.availableMemory : nil
        let network = try preparedNetwork(on: device)
        let configuration = network.configuration
        func picture(_ step: Int, channels: Int) throws -> Tensor {
            try NoiseField(seed: 1).tensor(step: step, channels: channels, height: size, width: size).to(
                device)
        }
        let noisy = try picture(0, channels: configuration.imageChannels)
        let conditionChannels = configuration.conditionChannels
        let condition =
            try conditionChannels > 0 ? (picture(1, channels: conditionChannels) * 0.3).clamped(-1, 1) : nil
        let level = try Tensor.full([1], 0.5, device: device)
        try noGrad {
            // The first rounds warm caches and primitives up, and write down what a GPU is asked for.
            let warmUp = ReplayedFunction.plainCalls + 1
            for round in 0..<(count + warmUp) {
                let start = DispatchTime.now().uptimeNanoseconds
                _ = try network(noisy, condition: condition, signalLevel: level)
                try device.synchronize()
                if round >= warmUp { print(Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9) }
            }
        }
        func tell(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
        if let before, let after = device.availableMemory {
            tell("GPU memory taken: \(Int((before - after) / 1_048_576)) MiB")
        }
        if let reason = network.replayFailure { tell("steps are not replayed: \(reason)") }
    }

    private func preparedNetwork(on device: Device) throws -> UNet {
        let path = try ModelStore.path(of: model)
        guard try openWeights(path).metadata["format"] == DeblurModel.format else {
            guard network == .denoiser else {
                throw CommandError.usage(
                    "--network predictor is for deblurring models, which '\(model)' is not")
            }
            return try SR3Restorer(SR3Model.load(path, device: device), precision: machine.precision).model
                .network
        }
        let networks = try DeblurRestorer(
            DeblurModel.load(path, device: device), precision: machine.precision
        ).model.networks
        return network == .denoiser ? networks.denoiser : networks.predictor
    }
}
