import Foundation
import PythonReference
import Tensors
import Testing

@testable import Diffusion

/// The network against one written in PyTorch from the same description (Fixtures/unet.py).
struct UNetReferenceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let configuration: UNetConfiguration
        let height: Int
        let width: Int

        var testDescription: String { "\(name), \(height)×\(width)" }
    }

    static let cases: [Case] = [
        Case(
            name: "patches of 4, no norm, bias",
            configuration: .init(baseWidth: 16, multipliers: [1, 2, 3], blocks: 2), height: 37, width: 53),
        Case(
            name: "group norm, affine, residual resampling, attention",
            configuration: .init(
                baseWidth: 8, multipliers: [1, 2], blocks: 1, attentionLevels: [1], norm: .group,
                levelConditioning: .affine, patchSize: 1, residualResampling: true), height: 21, width: 30),
        Case(
            name: "patches of 2, no norm, affine, residual resampling",
            configuration: .init(
                baseWidth: 12, multipliers: [1, 1, 2], blocks: 1, levelConditioning: .affine, patchSize: 2,
                residualResampling: true), height: 37, width: 53),
        Case(
            name: "heads of 64, attention on every level, group norm, bias",
            configuration: .init(
                baseWidth: 64, multipliers: [1, 2], blocks: 1, attentionLevels: [0, 1], norm: .group,
                patchSize: 4),
            height: 19, width: 26),
        Case(
            name: "gray without condition, smaller than its padding",
            configuration: .init(
                imageChannels: 1, conditionChannels: 0, baseWidth: 8, multipliers: [1, 2, 2], blocks: 1,
                residualResampling: true), height: 3, width: 5),
        Case(
            name: "concatenated skips, residual resampling",
            configuration: .init(
                conditionChannels: 6, baseWidth: 8, multipliers: [1, 2, 3], blocks: 2, patchSize: 1,
                residualResampling: true, skipConnections: .concatenated), height: 21, width: 30),
        Case(
            name: "concatenated skips, plain resampling, patches of 2",
            configuration: .init(
                baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 2, skipConnections: .concatenated),
            height: 9, width: 14),
        Case(
            name: "no levels, no condition",
            configuration: .init(
                conditionChannels: 0, baseWidth: 8, multipliers: [1, 2], blocks: 1, levelConditioning: .none,
                patchSize: 2), height: 11, width: 10),
        Case(
            name: "strided, single head in the middle, fixed groups, amplitude",
            configuration: .init(
                baseWidth: 8, multipliers: [1, 2, 2], blocks: 2, attentionLevels: [1], norm: .group,
                patchSize: 1,
                skipConnections: .concatenated, resampling: .strided, middleAttention: .once, headWidth: 0,
                groups: 2, levelEncoding: .amplitude), height: 13, width: 18),
        Case(
            name: "strided at the end, narrow heads, steps of a schedule",
            configuration: .init(
                baseWidth: 8, multipliers: [1, 2], blocks: 1, attentionLevels: [0], norm: .group,
                levelConditioning: .affine, patchSize: 2, resampling: .stridedAtEnd, middleAttention: .none,
                headWidth: 4, normEpsilon: 1e-3,
                levelEncoding: .timestep(schedule: "cosine:300", frequencyShift: 1)), height: 13, width: 18),
        Case(
            name: "channels and tiles enough for Winograd",
            configuration: .init(baseWidth: 32, multipliers: [1, 2], blocks: 1, patchSize: 2), height: 46,
            width: 49),
        Case(
            name: "one level",
            configuration: .init(baseWidth: 8, multipliers: [2], blocks: 1, patchSize: 1), height: 7, width: 5
        ),
    ]

    /// A network with weights that are nowhere zero, as large as PyTorch would start them.
    static func network(_ configuration: UNetConfiguration) throws -> UNet {
        let network = try UNet(configuration, seed: 1)
        var stream: UInt64 = 100
        try noGrad {
            for (name, value) in network.parameters {
                stream += 1
                let inputs = value.shape.dropFirst().reduce(1, *)
                let isScale = value.rank == 1 && name.contains("norm") && name.hasSuffix("weight")
                let bound = value.rank == 1 ? 0.3 : (3 / Double(inputs)).squareRoot()
                let random = try randomTensor(value.shape, bound: bound, stream: stream, dtype: .float32)
                try value.copy(from: isScale ? random + 1 : random)
            }
        }
        return network
    }

    @Test(
        .enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"),
        arguments: cases)
    func predictionAndGradientsEqualPyTorch(_ one: Case) throws {
        let configuration = one.configuration
        let network = try Self.network(configuration)
        let shape = [2, configuration.imageChannels, one.height, one.width]
        let noisy = try randomTensor(shape, bound: 2, stream: 1, dtype: .float32)
        let condition =
            try configuration.conditionChannels == 0
            ? nil
            : randomTensor(
                [2, configuration.conditionChannels, one.height, one.width], stream: 2, dtype: .float32)
        let target = try randomTensor(shape, stream: 3, dtype: .float32)
        let gamma = try Tensor([4.4e-5, 0.83])
        var given = network.parameters.map { (name: "w.\($0.name)", value: $0.value) }
        given += [("noisy", noisy), ("target", target), ("gamma", gamma)].map { (name: $0.0, value: $0.1) }
        if let condition { given.append((name: "condition", value: condition)) }
        let expected = try Self.reference(given, configuration)
        let wanted = try #require(try expected.tensor("prediction"))

        let plain = try noGrad { try network(noisy, condition: condition, signalLevel: gamma) }
        #expect(try relativeDifference(plain, wanted) < 1e-4)
        network.setTraining(true)
        let prediction = try network(noisy, condition: condition, signalLevel: gamma)
        #expect(prediction.shape == shape)
        #expect(try wanted.squared().mean().item() > 0.01, "weights that are 0 would prove nothing")
        let forward = try relativeDifference(prediction, wanted)
        #expect(forward < 1e-4)

        try prediction.meanSquaredError(to: target).backward()
        var worst = (name: "", difference: 0.0)
        for (name, value) in network.parameters {
            let difference = try relativeDifference(
                #require(value.grad, "\(name)"), #require(try expected.tensor("g.\(name)")))
            #expect(difference < 1e-3, "\(name)")
            if difference > worst.difference { worst = (name, difference) }
        }

        network.setTraining(false)
        try network.prepareForInference()
        network.forEachModule { #expect(($0 as? Conv2d)?.isPrepared != false) }
        let prepared = try noGrad { try network(noisy, condition: condition, signalLevel: gamma) }
        let inference = try relativeDifference(prepared, wanted)
        #expect(inference < 1e-4)
        // A single sample takes the level into the bias of its convolutions.
        var single = 0.0
        for index in 0..<2 {
            func sample(_ x: Tensor) throws -> Tensor { try x.narrowed(0, start: index, count: 1) }
            let alone = try noGrad {
                try network(sample(noisy), condition: condition.map(sample), signalLevel: sample(gamma))
            }
            single = max(single, try relativeDifference(alone, sample(wanted)))
            #expect(single < 1e-4, "sample \(index)")
        }
        print(
            "\(one.testDescription): \(forward) from PyTorch, prepared \(inference), alone \(single), worst gradient \(worst.difference) (\(worst.name))"
        )
    }

    private static func reference(
        _ tensors: [(name: String, value: Tensor)], _ configuration: UNetConfiguration
    ) throws -> SafetensorsFile {
        try PythonReference.results(
            of: "DiffusionTests/Fixtures/unet.py", tensors,
            trailing: [String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)])
    }
}
