import Degradation
import Diffusion
import Foundation
import ImageTensors
import Tensors
import Testing

@testable import Deblur

@Suite struct KernelNetworkTests {
    static let configuration = UNetConfiguration(
        baseWidth: 8, multipliers: [1, 2], blocks: 1, norm: .group, levelConditioning: .none, patchSize: 1)

    static func network(kernelSide: Int = 15) throws -> KernelNetwork {
        try KernelNetwork(configuration, kernelSide: kernelSide, seed: 3, device: .cpu)
    }

    /// What is seen while the blur of a picture is looked for, with the kernel that is found.
    private func search(_ kernel: BlurKernel, side: Int = 300, network: KernelNetwork) throws -> (
        clues: [KernelClues], scales: [Double], found: BlurKernel
    ) {
        let (_, blurred) = try DeconvolutionTests.pair(side: side, kernel, noise: 0.005)
        var (clues, scales): ([KernelClues], [Double]) = ([], [])
        let found = try BlurEstimator(side: 15).estimates(
            ofLuma: BlurEstimator.luma(of: blurred), network: network,
            observe: {
                clues.append($0)
                scales.append($1)
            }
        )[0].kernel
        return (clues, scales, found)
    }

    /// What a search has come to before it begins anew is what it comes to if it does not.
    @Test func theEarlierKernelIsThatOfASearchThatEndsThere() throws {
        let (_, blurred) = try DeconvolutionTests.pair(
            side: 300, .linear(length: 9, angle: 0.7), noise: 0.005)
        let gray = try BlurEstimator.luma(of: blurred)
        let network = try Self.network()
        var estimator = BlurEstimator(side: 15)
        let found = try estimator.estimates(ofLuma: gray, network: network)
        try #require(found.count == 2)
        let (best, earlier) = (found[0].kernel, found[1].kernel)
        #expect(earlier != best && found[1].preference == 1)
        #expect(try estimator.estimates(ofLuma: gray).count == 1)
        estimator.passEdgeWeights = []
        #expect(try estimator.kernel(of: blurred, network: network) == earlier)
        // Both are estimates, the last first, unless they are alike.
        let kernels = try Deconvolution(kernelSide: 15).estimates(
            of: blurred, .ways(2), network: network, isCancelled: { false }
        ).map(\.kernel)
        #expect(kernels.contains(earlier) == (best.cosine(with: earlier) <= Deconvolution.alike))
    }

    private func planes(_ clues: KernelClues) -> [[Float]] {
        let count = clues.side * clues.side
        return (0..<KernelClues.planeCount).map { Array(clues.values[($0 * count)..<(($0 + 1) * count)]) }
    }

    @Test func untrainedItLeavesKernelsAsTheyAre() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0.7)
        let network = try Self.network()
        let (clues, scales, found) = try search(kernel, network: network)
        // Twice at each of three scales, and twice in each pass that begins anew.
        #expect(scales.count == 10)
        for (scale, expected) in zip(
            scales, [0.5, 0.5, 0.5.squareRoot(), 0.5.squareRoot(), 1, 1, 1, 1, 1, 1])
        {
            #expect(abs(scale - expected) < 1e-12)
        }
        for one in clues {
            let guess = planes(one)[0].map { $0 / 20 }
            let made = try network.kernel(one).values
            #expect(abs(made.reduce(0, +) - 1) < 1e-5)
            // Each pixel of the plane is given the same to grow from.
            let total = 1 + 1e-5 * Float(guess.count)
            let difference = zip(guess, made).map { abs(($0 + 1e-5) / total - $1) }.max()
            #expect(try #require(difference) < 1e-6)
        }
        // What is given to all pixels is dropped again, and what is faint in an enlarged kernel and stays does no harm.
        let plain = try BlurEstimator(side: 15).kernel(
            of: DeconvolutionTests.pair(side: 300, kernel, noise: 0.005).blurred)
        let distances = try [found, plain].map { try $0.distance(to: kernel) }
        print("untrained: \(distances[0]) from the true kernel, without \(distances[1])")
        #expect(distances[0] < distances[1] + 0.02)
    }

    /// All planes have the kernel's middle in the middle, and its own weight on small values gives the kernel.
    @Test func cluesShowTheKernelAtOnePlace() throws {
        let clues = try #require(
            search(.linear(length: 9, angle: 0.7), network: Self.network()).clues.last)
        #expect(clues.side == 31)
        let planes = planes(clues)
        let held = planes[0].indices.filter { planes[0][$0] > 0 }
        #expect(held.count > 5)
        // Nothing but the smaller values was dropped.
        let ratios = held.map { planes[2][$0] / planes[0][$0] }
        let (low, high) = (try #require(ratios.min()), try #require(ratios.max()))
        #expect(low > 0.3 && high - low < 1e-3 * high)
        let largest = try #require(planes[2].max())
        let dropped = planes[2].indices.filter { planes[0][$0] == 0 }
        #expect(dropped.allSatisfy { planes[2][$0] < 0.051 * largest })
        // More weight makes values smaller, less makes them larger.
        func power(_ plane: Int, _ factor: Float) -> Float {
            planes[plane].reduce(0) { $0 + $1 * $1 } / (factor * factor)
        }
        #expect(power(1, 20) > power(2, 20) && power(2, 20) > power(3, 60))
        // The last three are the same at the opposite place.
        for plane in planes[4...] {
            #expect(plane[plane.count / 2] == 0 && plane.contains { abs($0) > 0.01 })
            let difference = zip(plane, plane.reversed()).map { abs($0 - $1) }.max()
            #expect(try #require(difference) < 1e-4)
        }
    }

    /// What the spectrum of white noise, blurred, tells without a guess is what the kernel alone would.
    /// Of a disc a larger part is smooth, and belongs to the picture.
    @Test(arguments: [
        (BlurKernel.linear(length: 11, angle: 0.4), Float(0.75)),
        (BlurKernel.defocus(radius: 3.3), Float(0.5)),
    ])
    func theSpectrumTellsTheCepstrumOfTheKernel(kernel: BlurKernel, least: Float) throws {
        let noise = try NoiseField(seed: 4).tensor(step: 0, channels: 1, height: 420, width: 420)
        let blurred = try BlurDegradation.blurred(noise * 0.1, margin: kernel.side / 2, kernels: [kernel])
        let spectrum = try #require(try BlurSpectrum.spectrum(of: blurred))
        let lags = try SpectrumFit(logarithm: spectrum).lags(side: 31)
        let alone = try SpectrumFit.cepstrum(of: kernel.values, kernelSide: kernel.side, side: 31)
        let other = try SpectrumFit.cepstrum(
            of: BlurKernel.linear(length: 11, angle: 1.4).values,
            kernelSide: BlurKernel.linear(length: 11, angle: 1.4).side, side: 31)
        func correlation(_ a: [Float], _ b: [Float]) -> Float {
            func dot(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
            return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        }
        print("\(correlation(lags.cepstrum, alone)), of another kernel \(correlation(lags.cepstrum, other))")
        #expect(correlation(lags.cepstrum, alone) > least)
        #expect(correlation(lags.cepstrum, other) < 0.25)
        #expect(correlation(lags.autocorrelation, alone) > 0.3)
    }

    private static func disturbed() throws -> KernelNetwork {
        let network = try Self.network()
        try noGrad {
            for (index, parameter) in network.parameters.enumerated() {
                let shape = parameter.value.shape
                try parameter.value.copy(
                    from: NoiseField(seed: 2, sample: index)
                        .tensor(step: 0, channels: 1, height: 1, width: shape.reduce(1, *)).reshaped(shape)
                        * 0.3)
            }
        }
        return network
    }

    /// A picture in another pose has the kernel in that pose, whatever the network has learnt.
    @Test func kernelsTurnWithThePicture() throws {
        let network = try Self.disturbed()
        let clues = try #require(search(.linear(length: 9, angle: 0.7), network: network).clues.last)
        let shape = [1, KernelClues.planeCount, clues.side, clues.side]
        let upright = try Tensor(network.kernel(clues).values, shape: [1, 1, clues.side, clues.side])
        for pose in 1..<8 {
            let turned = try KernelClues(
                side: clues.side, values: Tensor(clues.values, shape: shape).posed(pose).contiguous().floats()
            )
            let kernel = try Tensor(
                network.kernel(turned).values, shape: [1, 1, clues.side, clues.side])
            #expect(try largestDifference(kernel.unposed(pose), upright) < 1e-6, "pose \(pose)")
            #expect(try largestDifference(kernel, upright) > 1e-3)
        }
    }

    /// Trained weights change what is found, at any number of threads in the same way.
    @Test func whatItSaysCounts() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0.7)
        let untrained = try search(kernel, network: Self.network()).found
        let network = try Self.disturbed()
        let threads = Device.threads
        defer { try? Device.setThreads(threads) }
        let found = try [1, 2].map { count in
            try Device.setThreads(count)
            return try search(kernel, network: network).found
        }
        #expect(found[0] == found[1])
        #expect(try found[0].distance(to: untrained) > 0.1)
    }

    /// A model holds it, a file keeps it, and its kernels are the deconvolution's.
    @Test func aModelWithItIsSavedAndLoaded() throws {
        var configuration = TestModels.configuration()
        configuration.deconvolution = Deconvolution(kernelSide: 15, network: Self.configuration)
        configuration.predictor.imageChannels = 6
        let model = try TestModels.random(configuration)
        let kernels = try #require(model.networks.kernels)
        let names = model.networks.parameters.map(\.name).filter(PredictAndRefine.isOfKernels)
        #expect(names.count == kernels.parameters.count && names.count > 10)
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("kernels-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try DeblurModel.save(
            model.networks.parameters, configuration: configuration, metadata: [:], to: path, dtype: .float32)
        let loaded = try DeblurModel.load(path)
        #expect(loaded.configuration == configuration)
        #expect(loaded.configuration.deconvolution?.network?.imageChannels == 1)
        // Which the spectrum cannot tell.
        let bent = BlurKernel.arc(length: 12, angle: 0.7, turn: 2.5)
        let (_, blurred) = try DeconvolutionTests.pair(side: 200, bent, noise: 0.005)
        let deconvolution = try #require(configuration.deconvolution)
        let made = try DeblurRestorer(loaded).deconvolved(blurred)
        let (with, without) = (
            try deconvolution.deconvolved(blurred, network: kernels), try deconvolution.deconvolved(blurred)
        )
        #expect(try made.bytes() == with.bytes())
        #expect(try largestDifference(with, without) > 0.01)
    }

    // MARK: misfit

    private func plane(_ kernel: BlurKernel, side: Int = 17) throws -> Tensor {
        try BlurKernel.planes([kernel], side: side)
    }

    /// The definition, one frequency after the other, of a kernel that lies beside the middle.
    @Test func theMisfitIsThatOfItsDefinition() throws {
        let side = 9
        let misfit = try KernelMisfit(side: side, device: .cpu)
        let truth = BlurKernel.linear(length: 5, angle: 0.6)
        let estimate = BlurKernel.linear(length: 4, angle: 1.1)
        // One to the right and two up.
        let moved = try plane(estimate, side: side).rolled([-2, 1], dims: [2, 3])
        let count = 2 * side + 2
        func transform(_ values: [Float], _ y: Double, _ x: Double) -> (Double, Double) {
            var (real, imaginary) = (0.0, 0.0)
            for (index, value) in values.enumerated() {
                let angle =
                    -2 * .pi * (y * Double(index / side - side / 2) + x * Double(index % side - side / 2))
                real += Double(value) * cos(angle)
                imaginary += Double(value) * sin(angle)
            }
            return (real, imaginary)
        }
        let (known, guess) = (
            try plane(truth, side: side).floats(), try plane(estimate, side: side).floats()
        )
        var (sum, total) = (0.0, 0.0)
        for row in 0..<count {
            for column in 0..<count {
                let frequencies = [row, column].map {
                    Double($0 < count / 2 ? $0 : $0 - count) / Double(count)
                }
                let (y, x) = (frequencies[0], frequencies[1])
                let ((a, b), (c, d)) = (transform(guess, y, x), transform(known, y, x))
                let gradients = 4 - 2 * cos(2 * .pi * y) - 2 * cos(2 * .pi * x)
                let power = a * a + b * b + 0.01 * gradients + 1e-3
                let (real, imaginary) = ((a * c + b * d) / power - 1, (a * d - b * c) / power)
                let weight = 1 / (y * y + x * x + 0.02 * 0.02)
                sum += weight * (real * real + imaginary * imaginary)
                total += weight
            }
        }
        let measured = try misfit(moved, truth: plane(truth, side: side)).item()
        print("misfit \(measured), by hand \(sum / total)")
        #expect(abs(measured - sum / total) < 2e-4 * sum / total)
    }

    @Test func theTrueKernelIsTheBestAndDisplacementCosts() throws {
        let misfit = try KernelMisfit(side: 17, device: .cpu)
        let truth = BlurKernel.linear(length: 9, angle: 0.5)
        let all = try [
            truth, .linear(length: 9, angle: 0.7), .linear(length: 7, angle: 0.5), .identity,
        ].map { try misfit(plane($0), truth: plane(truth)).item() }
        print(all)
        // What lies where the true kernel passes nothing is lost in any case.
        #expect(all[1...].allSatisfy { $0 > 1.4 * all[0] })
        // A part that is missing takes the centroid along.
        var values = truth.values
        for index in values.indices where index % truth.side > truth.side / 2 + 2 { values[index] = 0 }
        let total = values.reduce(0, +)
        let centred = try plane(BlurKernel(side: truth.side, values: values))
        let inPlace = try plane(BlurKernel(side: truth.side, exactly: values.map { $0 / total }))
        let (one, two) = (
            try misfit(centred, truth: plane(truth)).item(), try misfit(inPlace, truth: plane(truth)).item()
        )
        #expect(abs(one - two) < 0.05 * one && one > 1.4 * all[0])
    }

    @Test func theLossHasTheGradientOfItsDifferences() throws {
        let misfit = try KernelMisfit(side: 9, device: .cpu)
        let truth = try plane(.linear(length: 5, angle: 0.6), side: 9)
        let estimate = try (plane(.linear(length: 4, angle: 1.1), side: 9) + 0.002) / 1.162
        func loss(_ values: [Float]) throws -> Double {
            try misfit.loss(Tensor(values, shape: [1, 1, 9, 9]), truth: truth).item()
        }
        let leaf = try estimate.detach().clone()
        try leaf.setRequiresGrad(true)
        try misfit.loss(leaf, truth: truth).backward()
        let gradient = try #require(leaf.grad).floats()
        let values = try estimate.floats()
        for index in [12, 31, 40, 50, 66] {
            var (low, high) = (values, values)
            low[index] -= 2e-3
            high[index] += 2e-3
            let slope = try (loss(high) - loss(low)) / 4e-3
            #expect(abs(slope - Double(gradient[index])) < 0.03 * abs(slope) + 0.02, "\(index)")
        }
    }
}
