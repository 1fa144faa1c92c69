import Degradation
import Diffusion
import Foundation
import Tensors
import Testing

@testable import Deblur

struct DeconvolutionTests {
    /// Discs and boxes of several grays on each other, with hard edges: 1×3×side×side in [-0.9, 0.9].
    static func sharp(side: Int, seed: UInt64 = 5) throws -> Tensor {
        var random = CounterStream(seed: seed)
        var values = [Float](repeating: 0, count: side * side)
        for _ in 0..<(side * side / 500) {
            let (x, y) = (random.uniform() * Double(side), random.uniform() * Double(side))
            let (size, gray) = (4 + random.uniform() * 24, Float(random.uniform() * 1.8 - 0.9))
            let isDisc = random.uniform() < 0.5
            for row in max(0, Int(y - size))..<min(side, Int(y + size) + 1) {
                for column in max(0, Int(x - size))..<min(side, Int(x + size) + 1) {
                    let (u, v) = (Double(column) - x, Double(row) - y)
                    if isDisc ? u * u + v * v < size * size : abs(u) < size && abs(v) < size * 0.7 {
                        values[row * side + column] = gray
                    }
                }
            }
        }
        let plane = try Tensor(values, shape: [1, 1, side, side])
        return try Tensor.concatenated([plane, plane * 0.9, plane * 0.8 + 0.05], dim: 1)
    }

    /// A sharp picture and the same blurred by a kernel in stored values, or in the light of a curve, cut to what is wholly known.
    static func pair(
        side: Int, _ kernel: BlurKernel, noise: Double = 0, in curve: LightCurve = .stored
    ) throws -> (sharp: Tensor, blurred: Tensor) {
        let margin = kernel.side / 2
        let around = try sharp(side: side + 2 * margin)
        let blurred = try curve.signedStored(
            BlurDegradation.blurred(curve.signedLight(around), margin: margin, kernels: [kernel]))
        let grain = try NoiseField(seed: 3).tensor(step: 0, channels: 3, height: side, width: side)
        return (
            try around.narrowed(2, start: margin, count: side).narrowed(3, start: margin, count: side),
            try (blurred + grain * noise).clamped(-1, 1)
        )
    }

    private func error(_ a: Tensor, _ b: Tensor, inside border: Int = 0) throws -> Double {
        func part(_ picture: Tensor) throws -> Tensor {
            try picture.narrowed(2, start: border, count: picture.shape[2] - 2 * border)
                .narrowed(3, start: border, count: picture.shape[3] - 2 * border)
        }
        return try part(a).meanSquaredError(to: part(b)).item().squareRoot()
    }

    // MARK: periodic pictures

    @Test(arguments: [(64, 64, 10), (97, 131, 31), (100, 63, 7)])
    func anExtendedPictureMeetsItself(height: Int, width: Int, margin: Int) throws {
        let plan = PeriodicExtension(height: height, width: width, margin: margin)
        #expect(plan.isPossible && plan.tall >= height + 2 * margin && plan.wide >= width + 2 * margin)
        for length in [plan.tall, plan.wide] {
            var rest = length
            for prime in [2, 3, 5] { while rest % prime == 0 { rest /= prime } }
            #expect(rest == 1, "\(length)")
        }
        let picture = try TestModels.picture(height: height, width: width)
        let large = try plan.extended(picture)
        #expect(large.shape == [1, 3, plan.tall, plan.wide])
        #expect(try plan.cut(large).bytes() == picture.contiguous().bytes())
        // No step anywhere, over the edges included, is larger than the picture's own.
        for dim in [2, 3] {
            let own = try
                (picture.narrowed(dim, start: 1, count: picture.shape[dim] - 1)
                - picture.narrowed(dim, start: 0, count: picture.shape[dim] - 1)).magnitude().max().item()
            #expect(try large.forwardDifference(dim).magnitude().max().item() <= own * 1.2)
        }
        #expect(!PeriodicExtension(height: 12, width: 200, margin: 10).isPossible)
    }

    @Test func spectraAreThoseOfWhatTheySay() throws {
        let plan = PeriodicExtension(height: 20, width: 30, margin: 3)
        let one = try plan.spectrum(side: 1, values: [1])
        #expect(try (one.magnitude() - 1).magnitude().max().item() < 1e-6)
        let kernels = [
            BlurKernel.linear(length: 5, angle: 0.3), .identity, .arc(length: 6, angle: 1, turn: 2),
        ]
        let spectra = try plan.spectra(of: kernels, device: .cpu)
        for (index, kernel) in kernels.enumerated() {
            let alone = try plan.spectrum(side: kernel.side, values: kernel.values)
            let difference = try spectra.narrowed(0, start: index, count: 1) - alone
            #expect(try difference.magnitude().max().item() < 1e-6)
        }
        // A difference is a convolution: its power is that of the transformed difference.
        let noise = try NoiseField(seed: 1).tensor(
            step: 0, channels: 1, height: plan.tall, width: plan.wide)
        func power(_ plane: Tensor) throws -> Tensor {
            try plane.fourier(height: plan.tall, width: plan.wide).magnitude().squared()
        }
        let both = try power(noise.forwardDifference(2)) + power(noise.forwardDifference(3))
        let expected = try plan.gradientPower() * power(noise)
        #expect(try relativeDifference(both, expected) < 1e-5)
    }

    /// What a GPU does with a batch at once is what is done picture by picture.
    @Test func picturesAtOnceAreThoseOneByOne() throws {
        let kernels = [BlurKernel.linear(length: 9, angle: 0.7), .identity, .defocus(radius: 2)]
        let pictures = try (NoiseField(seed: 6).tensor(step: 0, channels: 9, height: 96, width: 90) * 0.3)
            .reshaped([3, 3, 96, 90])
        let filter = WienerDeconvolution(margin: 15)
        let (together, apart) = (
            try filter.sharpened(pictures, kernels), try filter(pictures, kernels: kernels)
        )
        #expect(try (together - apart).magnitude().max().item() < 1e-4)
        #expect(
            try together.narrowed(0, start: 1, count: 1).bytes()
                == pictures.narrowed(0, start: 1, count: 1).bytes())
    }

    @Test func eachPictureOfABatchHasItsCurve() throws {
        let kernels = [BlurKernel.linear(length: 9, angle: 0.7), .defocus(radius: 2), .defocus(radius: 3)]
        let pictures = try (NoiseField(seed: 6).tensor(step: 0, channels: 9, height: 96, width: 90) * 0.3)
            .reshaped([3, 3, 96, 90])
        let curves = [LightCurve(exponent: 2), .stored, LightCurve(exponent: 1.5)]
        let filter = WienerDeconvolution(margin: 15)
        let (all, together) = try (
            filter(pictures, kernels: kernels, in: curves),
            filter.sharpenedTogether(pictures, kernels, curves)
        )
        for (index, curve) in curves.enumerated() {
            let picture = try pictures.narrowed(0, start: index, count: 1)
            let alone = try filter(picture, kernels: [kernels[index]], in: curve)
            #expect(try all.narrowed(0, start: index, count: 1).bytes() == alone.bytes())
            #expect(
                try (together.narrowed(0, start: index, count: 1) - alone).magnitude().max().item() < 1e-4)
        }
        #expect(throws: TensorError.self) { try filter(pictures, kernels: kernels, in: [.stored]) }
    }

    /// A light many times as bright as white, blurred and clipped: what lies around it rings less than where white is taken for all there was, and no
    /// other picture of a batch changes.
    @Test(arguments: [LightCurve.stored, LightCurve(exponent: 2)])
    func clippedLightIsNotTakenForAllThereWas(curve: LightCurve) throws {
        let kernel = BlurKernel.linear(length: 13, angle: 0.4)
        let (side, margin) = (120, kernel.side / 2)
        let around = try curve.signedLight(Self.sharp(side: side + 2 * margin) * 0.6)
        var spot = [Float](repeating: 0, count: around.shape[2] * around.shape[3])
        for row in 60..<70 { for column in 55..<75 { spot[row * around.shape[3] + column] = 8 } }
        let lamp = try Tensor(spot, shape: [1, 1, around.shape[2], around.shape[3]])
        let exposed = try BlurDegradation.blurred(around + lamp, margin: margin, kernels: [kernel])
        let blurred = try curve.signedStored(exposed.clamped(-1, 1))
        #expect(try blurred.isAbove(0.99).to(.float32).mean().item() > 0.01)
        let sharp = try curve.signedStored((around + lamp).clamped(-1, 1))
            .narrowed(2, start: margin, count: side).narrowed(3, start: margin, count: side)
        let filter = WienerDeconvolution(margin: 31)
        // White a little darker is no clipped light any more.
        let darker = try filter(blurred.clamped(-1, 0.969), kernels: [kernel], in: curve)
        let made = try filter(blurred, kernels: [kernel], in: curve)
        #expect(try error(made, sharp, inside: 10) < 0.85 * error(darker, sharp, inside: 10))
        let other = try blurred.clamped(-1, 0.5)
        let pair = try filter.sharpened(
            Tensor.concatenated([other, blurred], dim: 0), [kernel, kernel], curve)
        let alone = try filter.sharpened(other, [kernel], curve)
        #expect(try (pair.narrowed(0, start: 0, count: 1) - alone).magnitude().max().item() < 1e-5)
        #expect(try (pair.narrowed(0, start: 1, count: 1) - made).magnitude().max().item() < 1e-4)
    }

    // MARK: splitting

    @Test(arguments: [(20, 30), (1, 7), (33, 2)])
    func strongEdgesAreThoseOfWholeOperators(height: Int, width: Int) throws {
        let x = try NoiseField(seed: 4).tensor(step: 0, channels: 1, height: height, width: width)
        func transposed(_ x: Tensor, _ dim: Int) throws -> Tensor { try x.rolled([1], dims: [dim]) - x }
        let (down, right) = (try x.forwardDifference(2), try x.forwardDifference(3))
        let power = try down.squared() + right.squared()
        let limit = try power.mean().item()
        let isStrong = try power.isAbove(limit).to(.float32)
        let wanted = try transposed(down * isStrong, 2) + transposed(right * isStrong, 3)
        let found = try EdgeSplitting.strongEdges(of: x, above: limit)
        #expect(try (0.01...0.99).contains(isStrong.mean().item()))
        #expect(try found.floats() == wanted.floats())
        #expect(try EdgeSplitting.strongEdges(of: x, above: 1e9).magnitude().max().item() == 0)
    }

    @Test func theSplittingsSolutionIsTheMinimum() throws {
        let plan = PeriodicExtension(height: 25, width: 27, margin: 2)
        func noise(_ seed: UInt64) throws -> Tensor {
            try NoiseField(seed: seed).tensor(step: 0, channels: 1, height: plan.tall, width: plan.wide)
        }
        func spectrum(_ plane: Tensor) throws -> Tensor {
            try plane.fourier(height: plan.tall, width: plan.wide)
        }
        let (seen, edges) = (try spectrum(noise(1)), try spectrum(noise(2)))
        let blurPower = try spectrum(noise(3)).magnitude().squared()
        let power = try plan.gradientPower()
        let wanted = try ((seen + edges * 0.3) / (blurPower + power * 0.3)).inverseFourier(
            height: plan.tall, width: plan.wide)
        let found = try EdgeSplitting.solution(
            seen: seen, edges: spectrum(noise(2)), blurPower: blurPower, gradientPower: power, splitting: 0.3
        ).inverseFourier(height: plan.tall, width: plan.wide)
        #expect(try relativeDifference(found, wanted) < 1e-6)
        #expect(throws: TensorError.self) {
            try EdgeSplitting.solution(
                seen: seen, edges: edges, blurPower: blurPower, gradientPower: Tensor.zeros([2]), splitting: 1
            )
        }
    }

    // MARK: known blur

    @Test func aKnownBlurIsTakenOut() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0.5)
        let (sharp, blurred) = try Self.pair(side: 160, kernel)
        let made = try WienerDeconvolution()(blurred, kernels: [kernel])
        let (before, after) = (try error(blurred, sharp, inside: 12), try error(made, sharp, inside: 12))
        print("known blur: error \(before) before, \(after) after")
        // What the kernel lets hardly pass stays away, and with hard edges that is much.
        #expect(after < before * 0.75)
        #expect(try made.magnitude().max().item() <= 1)
    }

    // MARK: light

    @Test(arguments: [1, 1.5, 2.2]) func valuesComeBackFromLight(exponent: Double) throws {
        let values = try Tensor([0, 0.001, 0.2, 0.5, 1], shape: [1, 1, 1, 5])
        let curve = LightCurve(exponent: exponent)
        let light = try curve.light(values)
        let offset = pow(0.055, exponent)
        let half = (pow(0.555, exponent) - offset) / (pow(1.055, exponent) - offset)
        #expect(try abs(light.floats()[3] - Float(half)) < 1e-5)
        #expect(try abs(light.floats()[0]) < 1e-6 && abs(light.floats()[4] - 1) < 1e-6)
        for (made, value) in zip(try curve.stored(light).floats(), try values.floats()) {
            #expect(abs(made - value) < 2e-4, "\(value)")
        }
        let signed = try values * 2 - 1
        #expect(try curve.signedLight(signed).meanSquaredError(to: light * 2 - 1).item() < 1e-10)
        #expect(try curve.signedStored(curve.signedLight(signed)).meanSquaredError(to: signed).item() < 1e-7)
    }

    /// A blur that has added up light is taken out of light, one of stored values out of these, and who knows the sharp picture
    /// can tell by what it explains.
    @Test func aBlurIsTakenOutOfWhatItHasAddedUp() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0.5)
        let curves = [LightCurve.stored, LightCurve(exponent: 2)]
        for right in curves {
            let (sharp, blurred) = try Self.pair(side: 160, kernel, noise: 0.002, in: right)
            let errors = try curves.map {
                try error(WienerDeconvolution()(blurred, kernels: [kernel], in: $0), sharp, inside: 12)
            }
            let scores = try curves.map {
                try BlurChoice.score(
                    BlurEstimate(kernel: kernel), in: $0, blurred: blurred, prediction: sharp, margin: 21)
            }
            let curveScores = try curves.map {
                try curveScore($0, kernel, blurred, sharp)
            }
            print("light of \(right.exponent): errors \(errors), scores \(scores), of curves \(curveScores)")
            let (own, other) = right == .stored ? (0, 1) : (1, 0)
            #expect(curveScores[own] > curveScores[other] + 0.02)
            #expect(errors[own] < errors[other] * 0.95)
            #expect(scores[own] > scores[other] * 1.1)
        }
    }

    private func curveScore(
        _ curve: LightCurve, _ kernel: BlurKernel, _ blurred: Tensor, _ prediction: Tensor
    ) throws -> Double {
        let evidence = try BlurChoice.evidence(
            of: kernel, in: curve, blurred: blurred, prediction: prediction, margin: 21)
        return try CurveChoice.score(
            curve, blurred: blurred,
            deconvolved: WienerDeconvolution()(blurred, kernels: [kernel], in: curve),
            prediction: prediction, #require(evidence))
    }

    /// Ripples that a prediction leaves out count against a curve, whatever it explains.
    @Test func thePartThatIsKeptTellsOfTheCurve() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0.5)
        let (_, blurred) = try Self.pair(side: 160, kernel)
        let deconvolved = try WienerDeconvolution()(blurred, kernels: [kernel])
        let evidence = BlurChoice.Evidence(edges: 1, misfit: 0.01)
        let scores = try [0, 0.5, 1].map {
            try CurveChoice.score(
                .stored, blurred: blurred, deconvolved: deconvolved,
                prediction: blurred + (deconvolved - blurred) * $0, evidence)
        }
        #expect(abs(scores[1] - scores[0] - 0.5) < 1e-5)
        #expect(abs(scores[2] - scores[1] - 0.5) < 1e-5)
        // Where nothing was changed, nothing was kept.
        let same = try CurveChoice.score(
            .stored, blurred: blurred, deconvolved: blurred, prediction: deconvolved, evidence)
        #expect(abs(same - scores[0]) < 1e-5)
        let worse = try CurveChoice.score(
            .stored, blurred: blurred, deconvolved: blurred, prediction: deconvolved,
            BlurChoice.Evidence(edges: 1, misfit: 0.02))
        #expect(worse < same)
        // What is about as good as stored values is not taken instead of them.
        let light = try CurveChoice.score(
            LightCurve(exponent: 2), blurred: blurred, deconvolved: blurred, prediction: deconvolved, evidence
        )
        #expect(light < same && light > same - 0.05)
    }

    /// Whether the kernel is known or one of several.
    @Test func thePredictionsPictureIsDeconvolvedInLight() throws {
        let networks = try networks()
        let deconvolution = try #require(networks.configuration.deconvolution)
        let curve = LightCurve(exponent: 2)
        let (_, blurred) = try Self.pair(side: 200, .linear(length: 8, angle: 0.4), noise: 0.12)
        func grid(_ picture: Tensor) throws -> TileGrid {
            try TilePlan(
                height: picture.shape[2], width: picture.shape[3], multiple: networks.configuration.multiple,
                cost: .init(networks: [networks.configuration.predictor], perPicturePixel: 1),
                budget: nil, margin: 32
            ).grid
        }
        for blur in [BlurSource.kernel(.linear(length: 7, angle: 0.4)), .ways(1), .ways(3)] {
            let settled = try networks.settled(blurred, blur: blur, in: curve, grid: grid)
            let kernel = try #require(settled.kernel)
            let deconvolved = try #require(settled.deconvolved)
            #expect(
                try deconvolved.bytes() == deconvolution.filter(blurred, kernels: [kernel], in: curve).bytes()
            )
            #expect(
                try deconvolved.bytes() != deconvolution.filter(blurred, kernels: [kernel]).bytes())
        }
    }

    /// Where nobody says which, that of the curves whose prediction tells so, with the kernel that is best in it.
    @Test(arguments: [BlurSource.kernel(.linear(length: 5, angle: 0.4)), .ways(3)])
    func thePredictionTellsTheCurve(blur: BlurSource) throws {
        let networks = try networks()
        let deconvolution = try #require(networks.configuration.deconvolution)
        var chosen: Set<Double> = []
        for seed in 0..<6 {
            let light = LightCurve(exponent: seed % 2 == 0 ? 1 : 2)
            let (_, blurred) = try Self.pair(
                side: 200, .linear(length: 6, angle: 0.4 + Double(seed)), noise: 0.01, in: light)
            let grid = try TilePlan(
                height: 200, width: 200, multiple: networks.configuration.multiple,
                cost: .init(networks: [networks.configuration.predictor], perPicturePixel: 1),
                budget: nil, margin: 32
            ).grid
            let found = try deconvolution.estimates(
                of: blurred, blur, network: networks.kernels, isCancelled: { false })
            func seen(_ kernel: BlurKernel, _ curve: LightCurve) throws -> (
                deconvolved: Tensor, prediction: Tensor, evidence: BlurChoice.Evidence
            ) {
                let deconvolved = try deconvolution.filter(blurred, kernels: [kernel], in: curve)
                let prediction = try networks.prediction(of: blurred, deconvolved: deconvolved, grid: grid)
                let evidence = try BlurChoice.evidence(
                    of: kernel, in: curve, blurred: blurred, prediction: prediction,
                    margin: deconvolution.kernelSide)
                return (deconvolved, prediction, try #require(evidence))
            }
            func best(_ curve: LightCurve) throws -> BlurKernel {
                let scores = try found.map {
                    try seen($0.kernel, curve).evidence.score(preference: $0.preference)
                }
                return found[scores.indices.max { scores[$0] < scores[$1] } ?? 0].kernel
            }
            let first = try best(.stored)
            let scores = try CurveChoice.curves.map {
                let seen = try seen(first, $0)
                return try CurveChoice.score(
                    $0, blurred: blurred, deconvolved: seen.deconvolved, prediction: seen.prediction,
                    seen.evidence)
            }
            let curve = CurveChoice.curves[scores.indices.max { scores[$0] < scores[$1] } ?? 0]
            chosen.insert(curve.exponent)
            let settled = try networks.settled(blurred, blur: blur, grid: { _ in grid })
            let kernel = try best(curve)
            #expect(settled.kernel == kernel)
            #expect(
                try settled.deconvolved?.bytes()
                    == deconvolution.filter(blurred, kernels: [kernel], in: curve).bytes())
        }
        print("curves: \(chosen)")
        #expect(chosen.count > 1)
    }

    @Test func noBlurAndSmallPicturesStay() throws {
        let picture = try TestModels.picture(height: 40, width: 90)
        let filter = WienerDeconvolution()
        #expect(try filter(picture, kernels: [.identity]).bytes() == picture.bytes())
        #expect(try filter(picture, kernels: [.gaussian(sigma: 1)]).bytes() == picture.bytes())
        #expect(throws: TensorError.self) { try filter(picture, kernels: []) }
    }

    @Test func eachPictureHasItsOwnKernel() throws {
        let kernels = [BlurKernel.gaussian(sigma: 1.2), .identity, .linear(length: 5, angle: 1)]
        let pictures = try (0..<3).map { try TestModels.picture(height: 80, width: 70, seed: UInt64($0)) }
        let filter = WienerDeconvolution(margin: 15)
        let together = try filter(Tensor.concatenated(pictures, dim: 0), kernels: kernels)
        for index in 0..<3 {
            let alone = try filter(pictures[index], kernels: [kernels[index]])
            #expect(try together.narrowed(0, start: index, count: 1).contiguous().bytes() == alone.bytes())
        }
    }

    /// What is transformed in parts is what is transformed at once, as far as can be seen.
    @Test func aLargePictureIsDeconvolvedInParts() throws {
        let kernel = BlurKernel.linear(length: 7, angle: 0.3)
        let band = try Self.sharp(side: 260)
        let wide = try Tensor.concatenated((0..<10).map { _ in band }, dim: 3)
        let blurred = try BlurDegradation.blurred(wide, margin: kernel.side / 2, kernels: [kernel])
        #expect((2561...3840).contains(blurred.shape[3]), "three parts")
        let whole = try WienerDeconvolution()(blurred, kernels: [kernel])
        let seam = blurred.shape[3] / 3
        // Around the place where two parts meet, alone.
        let part = try WienerDeconvolution()(
            blurred.narrowed(3, start: seam - 500, count: 1000), kernels: [kernel])
        let difference = try largestDifference(
            whole.narrowed(3, start: seam - 200, count: 400), part.narrowed(3, start: 300, count: 400))
        #expect(difference < 1.0 / 127.5)
    }

    // MARK: unknown blur

    @Test(arguments: [(11.0, 0.4), (8.0, 2.1), (0.0, 0.0)])
    func anUnknownMotionIsFound(length: Double, angle: Double) throws {
        let kernel =
            try length > 0
            ? BlurKernel.linear(length: length, angle: angle)
            : BlurKernel(
                side: 5, values: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1])
        let (sharp, blurred) = try Self.pair(side: 240, kernel, noise: 0.005)
        let estimator = BlurEstimator(side: 21)
        let found = try estimator.kernel(of: blurred)
        #expect(found.side > 1)
        let made = try WienerDeconvolution(margin: 21)(blurred, kernels: [found])
        let (before, after) = (try error(blurred, sharp, inside: 16), try error(made, sharp, inside: 16))
        print("unknown blur of \(length): error \(before) before, \(after) after")
        #expect(after < before * 0.7)
        #expect(try estimator.kernel(of: blurred) == found)
    }

    /// A library's transforms on several threads have other last bits, which a kernel found in turns makes large.
    @Test func theResultDoesNotDependOnTheNumberOfThreads() throws {
        let count = Device.threads
        defer { try? Device.setThreads(count) }
        let (_, blurred) = try Self.pair(side: 300, .linear(length: 9, angle: 0.7), noise: 0.02)
        let deconvolution = Deconvolution(kernelSide: 15)
        let made = try [1, 2, 3].map { threads in
            try Device.setThreads(threads)
            let bytes = try deconvolution.deconvolved(blurred).bytes()
            #expect(Device.threads == threads)
            return bytes
        }
        #expect(made[0] == made[1] && made[0] == made[2])
        try Device.setThreads(2)
        #expect(throws: CancellationError.self) {
            try deconvolution.deconvolved(blurred, isCancelled: { true })
        }
        #expect(Device.threads == 2)
    }

    @Test func whereThereIsNothingToTellNothingHappens() throws {
        let estimator = BlurEstimator(side: 15)
        #expect(try estimator.kernel(of: TestModels.picture(height: 20, width: 20)) == .identity)
        // One gray: no edge, no kernel, and above all no NaN.
        let gray = try Tensor.full([1, 3, 96, 96], 0.2)
        let found = try estimator.kernel(of: gray)
        let isFinite = found.values.allSatisfy { $0.isFinite }
        #expect(isFinite)
        let made = try Deconvolution(kernelSide: 15).deconvolved(gray)
        #expect(try largestDifference(made, gray) < 1e-3)
        #expect(throws: CancellationError.self) {
            try estimator.kernel(of: TestModels.picture(height: 96, width: 96), isCancelled: { true })
        }
    }

    /// A blur longer than the kernel's side is found in a smaller version of a large picture.
    @Test func aLongBlurIsFoundInALargePicture() throws {
        let kernel = BlurKernel.linear(length: 24, angle: 0.6)
        let (sharp, blurred) = try Self.pair(side: 800, kernel)
        let made = try Deconvolution(kernelSide: 15, regularization: 1e-2).deconvolved(blurred)
        let (before, after) = (try error(blurred, sharp, inside: 40), try error(made, sharp, inside: 40))
        print("a blur of 24 pixels with kernels of 15: error \(before) before, \(after) after")
        // At half the size a kernel is known to two pixels only.
        #expect(after < before * 0.9)
    }

    /// A large picture whose blur is long has no parts that would look for it anew, and is looked at anew where its edges are strongest.
    @Test(arguments: [16.0, 17]) func aLongBlurOfALargePictureIsLookedForAnew(length: Double) throws {
        let network = try KernelNetworkTests.network()
        var estimator = BlurEstimator(side: 15)
        func blurred(_ length: Double) throws -> Tensor {
            var random = CounterStream(seed: 4)
            return try Self.pair(side: 800, .cameraShake(extent: length, using: &random), noise: 0.004)
                .blurred
        }
        func found(_ length: Double) throws -> [BlurEstimate] {
            try estimator.estimates(ofLuma: BlurEstimator.luma(of: blurred(length)), network: network)
        }
        #expect(try found(7).count == 1)
        let long = try found(length)
        try #require(long.count == 2)
        #expect(estimator.isLong(long[0].kernel) && long[0].preference == 1)
        #expect(long[1].kernel != long[0].kernel && long[1].preference < 1)
        let all = try Deconvolution(kernelSide: 15).estimates(
            of: blurred(length), .ways(2), network: network, isCancelled: { false })
        print("a long blur:", all.map { ($0.kernel.extent, $0.preference) })
        #expect(all.first == long[0])
        // Where only one counts there is no need to look anew.
        let gray = try BlurEstimator.luma(of: blurred(length))
        func looks(alone: Bool) throws -> Int {
            var count = 0
            let found = try estimator.estimates(
                ofLuma: gray, network: network, alone: alone, observe: { _, _ in count += 1 })
            #expect(found.first == long[0] && found.count == (alone ? 1 : 2))
            return count
        }
        #expect(try looks(alone: false) == looks(alone: true) + 2 * estimator.passEdgeWeights.count)
        estimator.passEdgeWeights = []
        #expect(try found(length)[0].kernel == long[0].kernel)
    }

    /// In a small picture the end counts first; in a large one the beginning does, and an end less than half as long not at all.
    @Test func aSearchOfALargePictureThatHasLostItsWayDoesNotCount() {
        let estimator = BlurEstimator(side: 15)
        let (long, half, short) = (
            BlurKernel.linear(length: 16, angle: 0), BlurKernel.linear(length: 8, angle: 0),
            BlurKernel.linear(length: 6, angle: 0)
        )
        #expect(half.extent * 2 >= long.extent && short.extent * 2 < long.extent)
        func kernels(_ after: BlurKernel, isLarge: Bool) -> [BlurKernel] {
            estimator.estimates(before: long, after: after, isLarge: isLarge).map(\.kernel)
        }
        #expect(kernels(half, isLarge: true) == [long, half])
        #expect(kernels(short, isLarge: true) == [long])
        #expect(kernels(short, isLarge: false) == [short, long])
    }

    /// It knows no longer ones.
    @Test func theSpectrumsFindingDoesNotCountWhereEdgesTellOfALongerBlur() throws {
        let deconvolution = Deconvolution(kernelSide: 15)
        let finding = BlurSpectrum.Finding(
            member: .straight(length: 6, angle: 1), clearness: 0.1)
        func kernels(_ lengths: [Double]) -> [BlurKernel] {
            let searches = lengths.map {
                [BlurEstimate(kernel: .linear(length: $0, angle: 0), estimator: deconvolution.estimator)]
            }
            return deconvolution.candidates(of: searches, finding).map(\.kernel)
        }
        let far = BlurKernel.linear(length: 24, angle: 0)
        #expect(deconvolution.estimator.isOutOfReach(far))
        #expect(kernels([12]) == [.linear(length: 12, angle: 0), finding.member.kernel])
        #expect(kernels([24]) == [far])
        // What counts are the searches of the first way.
        #expect(kernels([12, 24]) == [.linear(length: 12, angle: 0), finding.member.kernel, far])
    }

    // MARK: light

    /// A blur adds up light. In stored values of much contrast it is no convolution, and its kernel is found less exactly.
    @Test func aBlurOfLightIsFoundInLight() throws {
        let kernel = BlurKernel.arc(length: 11, angle: 0.6, turn: 1.2)
        let margin = kernel.side / 2
        let scene = try Self.sharp(side: 240 + 2 * margin)
        func pair(_ exponent: Double) throws -> Tensor {
            // 0 to 1 and to the power, which is blurred, and back.
            let light = try ((scene + 1) / 2).clamped(1e-3, 1).log() * exponent
            let blurred = try BlurDegradation.blurred(light.exp() * 2 - 1, margin: margin, kernels: [kernel])
            return try (((blurred + 1) / 2).clamped(1e-4, 1).log() * (1 / exponent)).exp() * 2 - 1
        }
        func errors(_ blurred: Tensor) throws -> [Double] {
            try [1, 2.2].map { exponent in
                var estimator = BlurEstimator(side: 15)
                estimator.exponent = exponent
                return try 1 - estimator.kernel(of: blurred).cosine(with: kernel)
            }
        }
        let (ofLight, ofValues) = (try errors(pair(2.2)), try errors(pair(1)))
        print("1 - cosine, looked for in values and in light: \(ofLight), of a blur of values \(ofValues)")
        #expect(ofLight[1] < ofLight[0] / 3)
        #expect(ofValues[0] < ofValues[1] / 3)
    }

    /// What is seen is the light of what is stored, in the parts of a large picture as well.
    @Test func anExponentIsAnotherPicture() throws {
        var estimator = BlurEstimator(side: 15)
        estimator.exponent = 2
        let (_, blurred) = try Self.pair(side: 120, .linear(length: 7, angle: 0.3))
        let wide = try Tensor.concatenated([Tensor](repeating: blurred, count: 5), dim: 3).contiguous()
        let gray = try BlurEstimator.luma(of: wide)
        let plain = BlurEstimator(side: 15)
        #expect(try plain.seen(gray).floats() == gray.floats())
        let seen = try estimator.seen(gray)
        #expect(try seen.floats() == LightCurve(exponent: 2).light(gray).floats())
        #expect(
            try estimator.estimates(ofLuma: gray).map(\.kernel) == plain.estimates(ofLuma: seen).map(\.kernel)
        )
        #expect(
            try estimator.estimates(ofLuma: gray).map(\.kernel) != plain.estimates(ofLuma: gray).map(\.kernel)
        )
        let network = try KernelNetworkTests.network()
        let start = BlurKernel.linear(length: 7, angle: 0.3)
        let field = try estimator.field(ofLuma: gray, from: start, network: network)
        #expect(!field.isUniform)
        #expect(try field == plain.field(ofLuma: seen, from: start, network: network))
        #expect(try field != plain.field(ofLuma: gray, from: start, network: network))
    }

    // MARK: several estimates

    /// By edges, by the spectrum, nearer to light, by edges with rows and columns exchanged, and by edges again.
    @Test func estimatesAreInTurnThoseOfTheWaysButForThoseAlike() throws {
        let (_, blurred) = try Self.pair(side: 240, .defocus(radius: 3.3), noise: 0.03)
        let deconvolution = Deconvolution(kernelSide: 15)
        #expect(deconvolution.ways.count + 1 == Deconvolution.mostEstimates)
        #expect(deconvolution.ways.first?.estimator == deconvolution.estimator)
        let gray = try BlurEstimator.luma(of: blurred)
        let finding = try #require(try deconvolution.spectrum.finding(ofLuma: gray))
        try #require(finding.clearness > Deconvolution.leastClearness)
        try #require(finding.clearness < Deconvolution.sureClearness)
        var all = try deconvolution.ways.map { way in
            let pose = way.isTransposed ? 1 : 0
            return BlurEstimate(
                kernel: try way.estimator.kernel(of: blurred.posed(pose).contiguous()).posed(pose),
                preference: way.preference, estimator: way.estimator)
        }
        all.insert(
            BlurEstimate(
                kernel: finding.member.kernel, preference: Deconvolution.spectrumPreference), at: 1)
        let cosines = all.indices.map { index in
            (0..<index).map { all[$0].kernel.cosine(with: all[index].kernel) }.max() ?? 0
        }
        print("cosines with those before:", cosines)
        // Those that are like one before are left out.
        func unlike(_ count: Int) -> [BlurEstimate] {
            all.indices.prefix(count).filter { cosines[$0] <= Deconvolution.alike }.map { all[$0] }
        }
        func found(in picture: Tensor, _ count: Int) throws -> [BlurEstimate] {
            try deconvolution.estimates(of: picture, .ways(count), isCancelled: { false })
        }
        let count = Device.threads
        defer { try? Device.setThreads(count) }
        for threads in [1, 3] {
            try Device.setThreads(threads)
            for ways in 2...Deconvolution.mostEstimates {
                #expect(try found(in: blurred, ways) == unlike(ways))
            }
            #expect(try found(in: blurred, 1) == [all[0]])
            #expect(try found(in: blurred, 0) == [all[0]])
            #expect(try deconvolution.kernel(of: blurred) == all[0].kernel)
            #expect(Device.threads == threads)
        }
        // Nothing to tell: all say the same.
        let small = try TestModels.picture(height: 20, width: 20)
        #expect(
            try found(in: small, Deconvolution.mostEstimates)
                == [BlurEstimate(kernel: .identity, estimator: deconvolution.estimator)])
        #expect(throws: CancellationError.self) {
            try deconvolution.estimates(of: blurred, .ways(2), isCancelled: { true })
        }
    }

    /// Where the spectrum is sure nothing else is looked for, for one estimate neither.
    @Test func aSureSpectrumIsTheOnlyEstimate() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0.7)
        let (_, blurred) = try Self.pair(side: 480, kernel)
        let deconvolution = Deconvolution(kernelSide: 15)
        let gray = try BlurEstimator.luma(of: blurred)
        let finding = try #require(try deconvolution.spectrum.finding(ofLuma: gray))
        try #require(finding.clearness > Deconvolution.sureClearness, "\(finding)")
        for count in [1, 2, 3] {
            let found = try deconvolution.estimates(of: blurred, .ways(count), isCancelled: { false })
            #expect(found == [BlurEstimate(kernel: finding.member.kernel)])
        }
        #expect(try finding.member.kernel.distance(to: kernel) < 0.2)
    }

    /// What a good predictor makes of a good kernel is the sharp picture, of no kernel the blurred one; what nobody
    /// stops is full of ripples.
    @Test func theBestEstimateIsToldByItsPrediction() throws {
        let kernel = BlurKernel.linear(length: 9, angle: 0.5)
        let wrong = BlurKernel.linear(length: 15, angle: 2.0)
        let (sharp, blurred) = try Self.pair(side: 160, kernel, noise: 0.005)
        func score(_ kernel: BlurKernel, _ prediction: Tensor) throws -> Double {
            try BlurChoice.score(
                BlurEstimate(kernel: kernel), blurred: blurred, prediction: prediction, margin: 21)
        }
        let best = try score(kernel, sharp)
        let half = try (sharp + blurred) * 0.5
        #expect(try best > score(kernel, half) && best > score(wrong, half))
        #expect(try best > score(.identity, blurred))
        // Ripples are sharp, but blurred they are not the picture that was given.
        let wave = (0..<160).map { Float(0.4 * sin(Double($0) * 1.2)) }
        let ripples = try Tensor(wave, shape: [1, 1, 1, 160])
        func power(_ picture: Tensor) throws -> Double {
            try picture.forwardDifference(3).squared().mean().item()
        }
        let rippled = try blurred + ripples
        let stronger = try power(rippled) / power(sharp)
        let scored = try score(.identity, rippled) / best
        print("ripples of \(stronger) times the sharp picture's gradients: \(scored)")
        #expect(stronger > 1 && scored < 1)
        let gray = try Tensor.full([1, 3, 160, 160], 0.2)
        #expect(
            try BlurChoice.score(
                BlurEstimate(kernel: kernel), blurred: gray, prediction: gray, margin: 21) == 0)
        // Of two that do as well the one that is preferred.
        let simple = BlurEstimate(kernel: kernel, preference: 1.1)
        #expect(
            try BlurChoice.score(simple, blurred: blurred, prediction: sharp, margin: 21) > best)
    }

    /// In a large picture a part decides, and the whole picture is predicted with its kernel.
    @Test(arguments: [(160, 200), (96, 1100)])
    func thePredictionOfTheBestEstimateIsTaken(height: Int, width: Int) throws {
        let networks = try networks()
        let kernel = BlurKernel.linear(length: 8, angle: 0.4)
        let (_, band) = try Self.pair(side: 200, kernel, noise: 0.12)
        let parts = (width + 199) / 200
        let picture = try Tensor.concatenated((0..<parts).map { _ in band }, dim: 3)
            .cropped(height: height, width: width).contiguous()
        let deconvolution = try #require(networks.configuration.deconvolution)
        let count = Deconvolution.mostEstimates
        let found = try deconvolution.estimates(of: picture, .ways(count), isCancelled: { false })
        #expect(found.count > 1)
        func grid(_ picture: Tensor, side: Int? = nil) throws -> TileGrid {
            try TilePlan(
                height: picture.shape[2], width: picture.shape[3], multiple: networks.configuration.multiple,
                cost: .init(networks: [networks.configuration.predictor], perPicturePixel: 1),
                budget: nil, side: side, margin: 32
            ).grid
        }
        let longest = try #require(found.map(\.kernel.extent).max())
        let place = try DecidingPlace(in: picture, scale: deconvolution.estimator.scale(for: longest))
        let part = place.part
        #expect(place.scale < 1)
        #expect(abs(part.shape[3] - min(Int((Double(width) * place.scale).rounded()), 640)) <= 1)
        let scores = try found.map { estimate in
            var estimate = estimate
            estimate.kernel = estimate.kernel.scaled(by: place.scale)
            let prediction = try networks.prediction(
                of: part, deconvolved: deconvolution.filter(part, kernels: [estimate.kernel]),
                grid: grid(part))
            return try BlurChoice.score(
                estimate, blurred: part, prediction: prediction, margin: deconvolution.kernelSide)
        }
        let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
        func settled(
            _ picture: Tensor, _ blur: BlurSource = .ways(Deconvolution.mostEstimates), side: Int? = nil
        )
            throws -> SettledPicture
        {
            try networks.settled(picture, blur: blur, in: .stored, grid: { try grid($0, side: side) })
        }
        func prediction(_ picture: Tensor, _ kernel: BlurKernel) throws -> Tensor {
            try networks.prediction(of: settled(picture, .kernel(kernel)), grid: { try grid($0) })
        }
        let known = try settled(picture)
        #expect(known.kernel == found[best].kernel)
        let made = try networks.prediction(of: known, grid: { try grid($0) })
        #expect(try made.floats() == prediction(picture, found[best].kernel).floats())
        let other = found[(best + 1) % found.count].kernel
        #expect(try made.floats() != prediction(picture, other).floats())
        // In another pose it is the same blur that the network sees taken out.
        let given = try settled(picture, .kernel(found[best].kernel))
        let mirrored = try networks.prediction(of: given, pose: 4, grid: { try grid($0) })
        #expect(
            try networks.prediction(of: known, pose: 4, grid: { try grid($0) }).floats() == mirrored.floats())
        #expect(try made.floats() != mirrored.floats())
        // However often the network looks, progress is that of one look.
        var ticks = 0
        _ = try networks.prediction(
            of: settled(picture, side: 96), grid: { try grid($0, side: 96) }, tileDone: { ticks += 1 })
        let scale = deconvolution.estimator.scale(for: found[best].kernel.extent)
        #expect(try ticks == grid(BlurEstimator.scaled(picture, by: scale), side: 96).count)
    }

    /// For training: which is nearest to the sharp picture is seen there, not judged.
    @Test(arguments: [0.4, 1.9]) func theKernelNearestToTheSharpPictureIsTheBest(angle: Double) throws {
        let deconvolution = Deconvolution(kernelSide: 15)
        let count = Deconvolution.mostEstimates
        var bests: Set<Int> = []
        for (length, noise) in [(9.0, 0.02), (5.0, 0.0), (11.0, 0.05)] {
            let (sharp, blurred) = try Self.pair(
                side: 200, .linear(length: length, angle: angle), noise: noise)
            let kernels = try deconvolution.estimates(of: blurred, .ways(count), isCancelled: { false })
                .map(\.kernel)
            let errors = try kernels.map {
                try error(deconvolution.filter(blurred, kernels: [$0]), sharp, inside: 15)
            }
            let best = try #require(errors.indices.min { errors[$0] < errors[$1] })
            bests.insert(best)
            print("errors of \(length) pixels:", errors)
            #expect(
                try deconvolution.bestKernel(of: blurred, sharp: sharp, estimates: count) == kernels[best])
            #expect(try deconvolution.bestKernel(of: blurred, sharp: sharp, estimates: 1) == kernels[0])
        }
        #expect(bests != [0], "else the first would do")
    }

    // MARK: a known blur

    @Test(arguments: Tensor.poses) func aKnownBlurIsTurnedWithThePicture(pose: Int) throws {
        var random = CounterStream(seed: 3)
        let kernel = BlurKernel.cameraShake(extent: 9, using: &random)
        let margin = kernel.side / 2
        let picture = try Self.sharp(side: 60)
        func blurred(_ picture: Tensor, _ kernel: BlurKernel) throws -> Tensor {
            try BlurDegradation.blurred(picture, margin: margin, kernels: [kernel])
        }
        guard case .kernel(let turned) = BlurSource.kernel(kernel).posed(pose) else {
            Issue.record("it is another source")
            return
        }
        #expect((turned == kernel) == (pose == 0))
        let made = try blurred(picture.posed(pose).contiguous(), turned)
        #expect(try error(made, blurred(picture, kernel).posed(pose)) < 1e-6)
        #expect(BlurSource.ways(3).posed(pose) == .ways(3))
    }

    @Test func aKnownBlurIsNotLookedFor() throws {
        let restorer = try DeblurRestorer(model())
        let networks = restorer.model.networks
        var random = CounterStream(seed: 4)
        let kernel = BlurKernel.cameraShake(extent: 4, using: &random)
        let (_, blurred) = try Self.pair(side: 90, kernel)
        let deconvolution = try #require(networks.configuration.deconvolution)
        let divided = try deconvolution.filter(blurred, kernels: [kernel])
        var told: [BlurKernel] = []
        var settings = PredictionSettings(blur: .kernel(kernel), curve: .stored) { told.append($0) }
        #expect(try restorer.deconvolved(blurred, settings: settings).floats() == divided.floats())
        func prediction(_ pose: Int) throws -> Tensor {
            try noGrad {
                try networks.prediction(
                    of: blurred.posed(pose), deconvolved: divided.posed(pose),
                    grid: restorer.plan(height: 90, width: 90, tiling: .init()).grid
                ).unposed(pose)
            }
        }
        let single = try restorer.predicted(blurred, settings: settings)
        #expect(try single.floats() == prediction(0).clamped(-1, 1).floats())
        // In another pose the kernel is turned, and what it leaves is what it leaves in this one.
        settings.selfEnsemble = 2
        let mean = try (prediction(Tensor.poses[0]) + prediction(Tensor.poses[1])) * 0.5
        #expect(try error(restorer.predicted(blurred, settings: settings), mean.clamped(-1, 1)) < 1e-4)
        var options = DeblurRestorer.Options(
            sampling: .init(sampler: .ddim(eta: 0), levels: [0.5, 1]), prediction: settings)
        let refined = try restorer.restored(blurred, options: options).mean
        options.prediction = .init(curve: .stored)
        let known = try restorer.restored(blurred, first: .init(mean), options: options).mean
        #expect(try error(refined, known) < 1e-5)
        #expect(told == [kernel, kernel, kernel, kernel], "once each, not for each pose")
        // A kernel of 85 pixels is not for a picture that is 42 with what is put around it.
        let small = try TestModels.picture(height: 24, width: 100)
        let large = PredictionSettings(blur: .kernel(.linear(length: 83, angle: 0)))
        #expect(try restorer.deconvolved(small, settings: large).floats() == small.floats())
    }

    /// Where the blur is long, the network sees a smaller picture, and the fine detail is the deconvolved one's.
    @Test(arguments: [(5.0, 0), (7, 0), (17, 0), (17, 4), (30, 6), (30, 1)])
    func aLongBlurIsPredictedInASmallerPicture(length: Double, pose: Int) throws {
        let networks = try model().networks
        let deconvolution = try #require(networks.configuration.deconvolution)
        let kernel = BlurKernel.linear(length: length, angle: 0.5)
        let (_, pair) = try Self.pair(side: 120, kernel)
        let blurred = try pair.cropped(height: 100, width: 120).contiguous()
        func grid(_ picture: Tensor) throws -> TileGrid {
            try DeblurRestorer(model()).plan(
                height: picture.shape[2], width: picture.shape[3], tiling: .init()
            ).grid
        }
        func predicted(_ blurred: Tensor, _ deconvolved: Tensor) throws -> Tensor {
            try networks.prediction(of: blurred, deconvolved: deconvolved, grid: grid(blurred))
        }
        let settled = try networks.settled(blurred, blur: .kernel(kernel), in: .stored, grid: grid)
        #expect(settled.kernel == kernel)
        let made = try networks.prediction(of: settled, pose: pose, grid: grid)
        #expect(made.shape == blurred.shape)
        let (seen, divided) = try (
            blurred.posed(pose), deconvolution.filter(blurred, kernels: [kernel]).posed(pose)
        )
        let asItIs = try predicted(seen, divided).unposed(pose)
        guard kernel.extent > 7 else {
            #expect(try made.floats() == asItIs.floats())
            return
        }
        let scale = 7.2 / Double(kernel.extent)
        let (height, width) = (seen.shape[2], seen.shape[3])
        func small(_ picture: Tensor) throws -> Tensor {
            try picture.resized(
                height: Int((Double(height) * scale).rounded()),
                width: Int((Double(width) * scale).rounded()))
        }
        let change = try predicted(small(seen), small(divided)) - small(divided)
        let expected = try (divided + change.resized(height: height, width: width)).unposed(pose)
        #expect(try error(made, expected) < 1e-9)
        #expect(try error(made, asItIs) > 1e-5)
    }

    /// However small a picture is, and however long the blur that is given.
    @Test(arguments: [(1, 1), (1, 50), (40, 3)]) func aLongBlurOfASmallPictureIsNoMistake(
        height: Int, width: Int
    )
        throws
    {
        let picture = try TestModels.picture(height: height, width: width)
        let settings = PredictionSettings(blur: .kernel(.linear(length: 83, angle: 0.4)))
        #expect(try DeblurRestorer(model()).predicted(picture, settings: settings).shape == picture.shape)
    }

    // MARK: the predictor

    private func model() throws -> DeblurModel {
        var configuration = TestModels.configuration()
        configuration.deconvolution = Deconvolution(kernelSide: 9)
        configuration.predictor.imageChannels = 6
        return try TestModels.random(configuration, strength: 0.5)
    }

    private func networks() throws -> PredictAndRefine { try model().networks }

    @Test func thePredictionIsASumOfWhatIsAddedAndTaken() throws {
        let networks = try networks()
        let blurred = try TestModels.picture(height: 24, width: 32)
        let other = try TestModels.picture(height: 24, width: 32, seed: 9) * -0.5
        let (made, output) = try noGrad {
            (
                try networks.prediction(of: blurred, deconvolved: other),
                try networks.predictor(
                    Tensor.concatenated([blurred, other], dim: 1), condition: nil, signalLevel: Tensor([1]))
            )
        }
        let (y, d, out) = (try blurred.floats(), try other.floats(), try output.floats())
        let count = y.count
        for (index, value) in try made.floats().enumerated() {
            #expect(abs(value - (y[index] + out[index] + out[count + index] * (d[index] - y[index]))) < 1e-5)
        }
        // An untrained one returns its input, whatever has been deconvolved.
        let fresh = try PredictAndRefine(networks.configuration, seed: 1)
        let untrained = try noGrad { try fresh.prediction(of: blurred, deconvolved: other) }
        #expect(try largestDifference(untrained, blurred) == 0)
    }

    @Test func tilesOfThePredictionAreThoseOfTheWhole() throws {
        let networks = try networks()
        let picture = try Self.sharp(side: 160)
        let (whole, cut) = try noGrad {
            let grid = TileGrid(
                height: 160, width: 160, multiple: 4, layout: .init(side: 96, blend: 32, margin: 32))
            #expect(grid.count > 1)
            return (try networks.prediction(of: picture), try networks.prediction(of: picture, grid: grid))
        }
        #expect(try largestDifference(whole, cut) < 2e-2)
    }

    @Test func aModelWithDeconvolutionIsSavedAndLoaded() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "restore-deconvolution-\(UUID().uuidString).safetensors"
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let networks = try networks()
        try DeblurModel.save(
            networks.parameters, configuration: networks.configuration, metadata: [:], to: path,
            dtype: .float32)
        let restorer = try DeblurRestorer(DeblurModel.load(path))
        #expect(restorer.model.configuration == networks.configuration)
        let picture = try Self.sharp(side: 96)
        let deconvolved = try restorer.deconvolved(picture)
        let grid = try restorer.plan(height: 96, width: 96, tiling: .init()).grid
        let seen = try restorer.model.networks.prediction(of: picture, deconvolved: deconvolved, grid: grid)
        #expect(
            try restorer.predicted(picture, settings: .init(blur: .ways(1))).bytes()
                == seen.clamped(-1, 1).bytes())
        let plain = try DeblurRestorer(TestModels.random())
        #expect(throws: NetworkError.self) { try plain.deconvolved(picture) }
        var wrong = networks.configuration
        wrong.predictor.imageChannels = 3
        #expect(throws: NetworkError.self) { try wrong.validate() }
        wrong = networks.configuration
        wrong.deconvolution?.kernelSide = 8
        #expect(throws: NetworkError.self) { try wrong.validate() }
        wrong.deconvolution = Deconvolution(kernelSide: 9, regularization: .nan)
        #expect(throws: NetworkError.self) { try wrong.validate() }
    }
}
